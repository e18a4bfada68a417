import { OptionError, type TaskType } from '@stratagem/core';

/** What a run has learned: plain data, to be kept as JSON and given to another run. */
export interface Learned {
  readonly version: 1;
  /** How long tasks take, by type, in milliseconds. */
  readonly durationsMs: ByType;
  /** What is known of each resource, by its name. */
  readonly resources: Readonly<Record<string, LearnedResource>>;
}

/** What is known of a resource. */
export interface LearnedResource {
  /** How many run at once. */
  readonly limit: number;
  /** Of more than so many in flight, some were not answered in time; undefined when none were lost. */
  readonly ceiling?: number;
  /** What the server may be, the likeliest first; undefined before anything was answered. */
  readonly likely?: readonly Likely[];
  /** How many tokens are written, by type of task; undefined where answers do not tell. */
  readonly outputTokens?: ByType;
  /** How many could start before the first was refused; undefined when none was. */
  readonly burst?: number;
  /** Time between starts after those, in milliseconds; undefined where that is not needed. */
  readonly intervalMs?: number;
}

/** A number for each type of task. */
export type ByType = Readonly<Partial<Record<TaskType, number>>>;

/** What a server may be, and how likely that is. */
export interface Likely {
  /** Past so many in flight they slow each other down; undefined when none do. */
  readonly knee?: number;
  /** Past the knee each takes (in flight / knee) to this power as long. */
  readonly exponent?: number;
  readonly probability: number;
  /** What a request would take alone, in the middle, by type of task, in milliseconds. */
  readonly latenciesMs: ByType;
}

const FIELDS = ['limit', 'ceiling', 'likely', 'outputTokens', 'burst', 'intervalMs'];
const LIKELY_FIELDS = ['knee', 'exponent', 'probability', 'latenciesMs'];
const TYPES: readonly string[] = ['action', 'decision', 'observation', 'aggregate'];

/** @throws {OptionError} that names what is wrong with it. */
export function checkLearned(value: unknown): Learned {
  const learned = objectAt('warmStart', value, ['version', 'durationsMs', 'resources']);
  if (learned.version !== 1) {
    throw wrong(
      'warmStart.version',
      'be 1: data of another version cannot be read',
      learned.version,
    );
  }
  checkByType('warmStart.durationsMs', learned.durationsMs);
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
  if (outputTokens !== undefined) checkByType(`${at}.outputTokens`, outputTokens);
  if (burst !== undefined) checkCount(`${at}.burst`, burst);
  if (intervalMs !== undefined) checkPositive(`${at}.intervalMs`, intervalMs);
}

function checkLikely(at: string, value: unknown): void {
  if (!Array.isArray(value)) throw wrong(at, 'be a list, as learned() gives it', value);
  for (const [index, each] of value.entries()) {
    const of = `${at}[${index}]`;
    const { knee, exponent, probability, latenciesMs } = objectAt(of, each, LIKELY_FIELDS);
    if (knee !== undefined) checkPositive(`${of}.knee`, knee);
    if (exponent !== undefined) checkPositive(`${of}.exponent`, exponent);
    checkPositive(`${of}.probability`, probability);
    checkByType(`${of}.latenciesMs`, latenciesMs);
  }
}

function checkByType(at: string, value: unknown): void {
  for (const [type, amount] of Object.entries(objectAt(at, value, TYPES))) {
    checkPositive(`${at}.${type}`, amount);
  }
}

function objectAt(at: string, value: unknown, known?: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrong(at, 'be an object, as learned() gives it', value);
  }
  const unknown = Object.keys(value).find((key) => known?.includes(key) === false);
  if (unknown === undefined) return value as Record<string, unknown>;
  throw new OptionError(
    `adaptive(): ${at} has no field "${unknown}". It has ${known?.join(', ')}.`,
  );
}

function checkCount(at: string, value: unknown): void {
  if (!(Number.isSafeInteger(value) && (value as number) >= 1)) {
    throw wrong(at, 'be a whole number of at least 1', value);
  }
}

function checkPositive(at: string, value: unknown): void {
  if (!(Number.isFinite(value) && (value as number) > 0)) {
    throw wrong(at, 'be a number above 0', value);
  }
}

function wrong(at: string, what: string, value: unknown): OptionError {
  return new OptionError(`adaptive(): ${at} must ${what}; it is ${String(value)}`);
}
