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

function encode(taskId: string): string {
  // A lone surrogate cannot be encoded.
  return encodeURIComponent(taskId.replace(/\p{Surrogate}/gu, '\ufffd'));
}

/** 64 bits of two FNV-1a hashes: for telling long ids apart, not for keeping anything secret. */
function fingerprint(text: string): string {
  let [a, b] = [0x811c9dc5, 0x9dc5811c];
  for (let position = 0; position < text.length; position++) {
    const code = text.charCodeAt(position);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ (code + position), 0x01000193);
  }
  return [a, b].map((hash) => (hash >>> 0).toString(16).padStart(8, '0')).join('');
}
