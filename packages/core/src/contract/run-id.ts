import { fingerprint } from '../util/hash.js';
import { OptionError, show } from './errors.js';

/** Valid as the name of a file on every system. */
const RUN_ID = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/;

export function newRunId(): string {
  return crypto.randomUUID();
}

/** @throws {OptionError} unless it is valid as the id of a run. */
export function checkRunId(owner: string, runId: unknown): asserts runId is string {
  if (typeof runId === 'string' && RUN_ID.test(runId)) return;
  const accepted = 'letters, digits, ".", "_" and "-", 128 at most, and no "." in front';
  throw new OptionError(`${owner}: runId must have ${accepted}; it is ${show(runId)}`);
}

/** Servers and proxies accept header values of this length. */
const MAX_KEY = 255;

/**
 * One key for each attempt of each run; the same when the attempt is started again after a crash. Its
 * characters are valid in a header.
 */
export function idempotencyKeyOf(runId: string, taskId: string, attempt: number): string {
  const key = `${runId}/${encode(taskId)}/${attempt}`;
  if (key.length <= MAX_KEY) return key;
  const end = `~${fingerprint(taskId)}/${attempt}`;
  return key.slice(0, MAX_KEY - end.length) + end;
}

/** The key of a part of an attempt, such as a call of a tool. */
export function extendKey(key: string, part: string): string {
  const extended = `${key}/${part}`;
  if (extended.length <= MAX_KEY) return extended;
  const end = `~${fingerprint(extended)}`;
  return extended.slice(0, MAX_KEY - end.length) + end;
}

function encode(taskId: string): string {
  // A lone surrogate cannot be encoded.
  return encodeURIComponent(taskId.replace(/\p{Surrogate}/gu, '\ufffd'));
}
