import { OptionError, type TaskType } from '@stratagem/core';

/** What a run has learned: plain data, to be kept as JSON and given to another run. */
export interface Learned {
  readonly version: 1;
  /** How long tasks take, by type, in milliseconds. */
  readonly durationsMs: Readonly<Partial<Record<TaskType, number>>>;
  /** What is known of each resource, by its name. */
  readonly resources: Readonly<Record<string, LearnedResource>>;
}

/** What is known of a resource. */
export interface LearnedResource {
  /** How many run at once. */
  readonly limit: number;
  /** Whether more at once are known not to be better. */
  readonly isSettled: boolean;
  /** Of more than so many in flight, some were not answered in time; undefined when none were lost. */
  readonly ceiling?: number;
  /** What requests take with so many in flight as the limit, by all that was answered. */
  readonly measured?: Measured;
  /** How many could start before the first was refused; undefined when none was. */
  readonly burst?: number;
  /** Time between starts after those, in milliseconds; undefined where that is not needed. */
  readonly intervalMs?: number;
}

/** How long requests take at a level of concurrency. */
export interface Measured {
  /** How many are in flight. */
  readonly level: number;
  /** What they take in the middle, by type of task, in milliseconds. */
  readonly latenciesMs: Readonly<Partial<Record<TaskType, number>>>;
}

const FIELDS = ['limit', 'isSettled', 'ceiling', 'measured', 'burst', 'intervalMs'];
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
  const durations = objectAt('warmStart.durationsMs', learned.durationsMs, TYPES);
  for (const [type, durationMs] of Object.entries(durations)) {
    checkPositive(`warmStart.durationsMs.${type}`, durationMs);
  }
  const resources = objectAt('warmStart.resources', learned.resources);
  for (const [name, resource] of Object.entries(resources)) checkResource(name, resource);
  return learned as unknown as Learned;
}

function checkResource(name: string, value: unknown): void {
  const at = `warmStart.resources["${name}"]`;
  const { limit, isSettled, ceiling, measured, burst, intervalMs } = objectAt(at, value, FIELDS);
  checkCount(`${at}.limit`, limit);
  if (typeof isSettled !== 'boolean') throw wrong(`${at}.isSettled`, 'be true or false', isSettled);
  if (ceiling !== undefined) checkCount(`${at}.ceiling`, ceiling);
  if (measured !== undefined) checkMeasured(`${at}.measured`, measured);
  if (burst !== undefined) checkCount(`${at}.burst`, burst);
  if (intervalMs !== undefined) checkPositive(`${at}.intervalMs`, intervalMs);
}

function checkMeasured(at: string, value: unknown): void {
  const { level, latenciesMs } = objectAt(at, value, ['level', 'latenciesMs']);
  checkPositive(`${at}.level`, level);
  const latencies = objectAt(`${at}.latenciesMs`, latenciesMs, TYPES);
  for (const [type, latencyMs] of Object.entries(latencies)) {
    checkPositive(`${at}.latenciesMs.${type}`, latencyMs);
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
