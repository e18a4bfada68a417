import type { TaskType } from '@stratagem/core';
import { OptionError } from '@stratagem/core/strategy';
import type { Kind } from './request.js';

/** Everything a run has learned: plain data that can be stored as JSON and passed to another run. */
export interface Learned {
  readonly version: 1;
  /** Typical task durations by type, in milliseconds. */
  readonly durationsMs: ByType;
  /** By name of the resource. */
  readonly resources: Readonly<Record<string, LearnedResource>>;
}

/** Everything a run has learned about a resource. */
export interface LearnedResource {
  /** The limit of requests in flight. */
  readonly limit: number;
  /** Above this many in flight, requests timed out; undefined when none did. */
  readonly ceiling?: number | undefined;
  /** Hypotheses about the server, most likely first; undefined before the first answer. */
  readonly likely?: readonly Likely[] | undefined;
  /** Typical output tokens by kind of task; undefined where answers do not report them. */
  readonly outputTokens?: ByKind | undefined;
  /** Requests accepted before the first refusal; undefined when none was refused. */
  readonly burst?: number | undefined;
  /** Time between starts after the burst, in milliseconds; undefined where none is needed. */
  readonly intervalMs?: number | undefined;
}

/** A number by task type. */
export type ByType = Readonly<Partial<Record<TaskType, number>>>;

/** A number by kind of task, such as `action/0`: its type and level. */
export type ByKind = Readonly<Record<Kind, number>>;

/** A hypothesis about a server, and its probability. */
export interface Likely {
  /** Above this many in flight, requests slow each other down; undefined when they never do. */
  readonly knee?: number | undefined;
  /** Above the knee, each request takes (in flight / knee) ^ exponent times as long. */
  readonly exponent?: number | undefined;
  readonly probability: number;
  /**
   * The median duration of a request that runs alone, by kind of task: in milliseconds, or relative to
   * the estimates of the tasks where they have one.
   */
  readonly work: ByKind;
}

const FIELDS = ['limit', 'ceiling', 'likely', 'outputTokens', 'burst', 'intervalMs'];
const LIKELY_FIELDS = ['knee', 'exponent', 'probability', 'work'];
const TYPES: readonly string[] = ['action', 'decision', 'observation', 'aggregate'];

/** @throws {OptionError} when a field is missing, unknown or out of range; it names the field. */
export function checkLearned(value: unknown): Learned {
  const learned = objectAt('warmStart', value, ['version', 'durationsMs', 'resources']);
  if (learned.version !== 1) {
    throw invalid('warmStart.version', 'be 1, the only supported version', learned.version);
  }
  checkNumbers('warmStart.durationsMs', learned.durationsMs, TYPES);
  const resources = objectAt('warmStart.resources', learned.resources);
  for (const [name, resource] of Object.entries(resources)) checkResource(name, resource);
  return learned as unknown as Learned;
}

function checkResource(name: string, value: unknown): void {
  const at = `warmStart.resources["${name}"]`;
  const resource = objectAt(at, value, FIELDS);
  const { limit, ceiling, likely, outputTokens, burst, intervalMs } = resource;
  checkCount(`${at}.limit`, limit);
  if (ceiling !== undefined) checkCount(`${at}.ceiling`, ceiling);
  if (likely !== undefined) checkLikely(`${at}.likely`, likely);
  if (outputTokens !== undefined) checkNumbers(`${at}.outputTokens`, outputTokens);
  if (burst !== undefined) checkCount(`${at}.burst`, burst);
  if (intervalMs !== undefined) checkPositive(`${at}.intervalMs`, intervalMs);
}

function checkLikely(at: string, value: unknown): void {
  if (!Array.isArray(value)) throw invalid(at, 'be a list, as returned by learned()', value);
  for (const [index, each] of value.entries()) {
    const item = `${at}[${index}]`;
    const { knee, exponent, probability, work } = objectAt(item, each, LIKELY_FIELDS);
    if (knee !== undefined) checkPositive(`${item}.knee`, knee);
    if (exponent !== undefined) checkPositive(`${item}.exponent`, exponent);
    checkPositive(`${item}.probability`, probability);
    checkNumbers(`${item}.work`, work);
  }
}

function checkNumbers(at: string, value: unknown, fields?: readonly string[]): void {
  for (const [field, amount] of Object.entries(objectAt(at, value, fields))) {
    checkPositive(`${at}.${field}`, amount);
  }
}

function objectAt(at: string, value: unknown, fields?: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(at, 'be an object, as returned by learned()', value);
  }
  const unknown = Object.keys(value).find((key) => fields?.includes(key) === false);
  if (unknown === undefined) return value as Record<string, unknown>;
  throw new OptionError(
    `adaptive(): ${at} has no field "${unknown}". It has ${fields?.join(', ')}.`,
  );
}

function checkCount(at: string, value: unknown): void {
  if (!(Number.isSafeInteger(value) && (value as number) >= 1)) {
    throw invalid(at, 'be an integer ≥ 1', value);
  }
}

function checkPositive(at: string, value: unknown): void {
  if (!(Number.isFinite(value) && (value as number) > 0)) {
    throw invalid(at, 'be a number > 0', value);
  }
}

function invalid(at: string, requirement: string, value: unknown): OptionError {
  return new OptionError(`adaptive(): ${at} must ${requirement}; it is ${String(value)}`);
}
