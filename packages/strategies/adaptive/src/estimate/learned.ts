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

/** Throws when a value is not allowed; `at` is its path. */
type Check = (at: string, value: unknown) => void;

const anObject = rule(
  'an object, as returned by learned()',
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
);
const aList = rule('a list, as returned by learned()', Array.isArray);
const aCount = rule('an integer ≥ 1', (value) => Number.isSafeInteger(value) && Number(value) >= 1);
const aNumber = rule('a number > 0', (value) => Number.isFinite(value) && Number(value) > 0);
const numbers = each(anObject, (key) => `.${key}`, aNumber);

const likely = fields({
  knee: optional(aNumber),
  exponent: optional(aNumber),
  probability: aNumber,
  work: numbers,
});

const resource = fields({
  limit: aCount,
  ceiling: optional(aCount),
  likely: optional(each(aList, (index) => `[${index}]`, likely)),
  outputTokens: optional(numbers),
  burst: optional(aCount),
  intervalMs: optional(aNumber),
});

const learned = fields({
  version: rule('1, the only supported version', (value) => value === 1),
  durationsMs: fields({
    action: optional(aNumber),
    decision: optional(aNumber),
    observation: optional(aNumber),
    aggregate: optional(aNumber),
  } satisfies Record<TaskType, Check>),
  resources: each(anObject, (name) => `["${name}"]`, resource),
});

/** @throws {OptionError} when a field is missing, unknown or out of range; it names the field. */
export function checkLearned(value: unknown): Learned {
  learned('warmStart', value);
  return value as Learned;
}

function rule(requirement: string, isMet: (value: unknown) => boolean): Check {
  return (at, value) => {
    if (isMet(value)) return;
    throw new OptionError(`adaptive(): ${at} must be ${requirement}; it is ${String(value)}`);
  };
}

function optional(check: Check): Check {
  return (at, value) => value === undefined || check(at, value);
}

/** Checks the fields of an object in this order; there may be no others. */
function fields(checks: Readonly<Record<string, Check>>): Check {
  const names = Object.keys(checks);
  return (at, value) => {
    anObject(at, value);
    const object = value as Readonly<Record<string, unknown>>;
    const unknown = Object.keys(object).find((name) => !names.includes(name));
    if (unknown !== undefined) {
      const known = names.join(', ');
      throw new OptionError(`adaptive(): ${at} has no field "${unknown}". It has ${known}.`);
    }
    for (const name of names) checks[name]?.(`${at}.${name}`, object[name]);
  };
}

function each(whole: Check, pathOf: (key: string) => string, check: Check): Check {
  return (at, value) => {
    whole(at, value);
    for (const [key, item] of Object.entries(value as object)) check(at + pathOf(key), item);
  };
}
