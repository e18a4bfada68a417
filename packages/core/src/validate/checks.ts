import type { PlanProblem, ProblemCode } from '../contract/plan-error.js';
import { didYouMean } from '../util/suggest.js';
import { adviceOf } from './synonyms.js';

/** Where something is in a plan, as keys and positions from the plan down. */
export type PlanPath = readonly (string | number)[];

/** The problems that were found in one plan so far. */
export type Problems = PlanProblem[];

/** Adds a problem. The path is copied, so a caller may change it afterwards. */
export function add(problems: Problems, code: ProblemCode, path: PlanPath, message: string): void {
  problems.push({ code, path: path.slice(), message });
}

/** Reports unknown fields. */
export function checkFields(
  problems: Problems,
  value: object,
  known: readonly string[],
  path: PlanPath,
): void {
  for (const key in value) {
    if (known.includes(key) || (value as Record<string, unknown>)[key] === undefined) continue;
    const message = `unknown field ${quote(key)}.${adviceOf(key, known)}`;
    add(problems, 'unknown_field', [...path, key], message);
  }
}

/** Reports a value that is not a number in a range. Undefined is accepted. */
export function checkNumber(
  problems: Problems,
  value: unknown,
  path: PlanPath,
  { min, max = Number.POSITIVE_INFINITY, whole = false, over = false, what }: NumberRange,
): void {
  if (value === undefined) return;
  const fits =
    typeof value === 'number' &&
    Number.isFinite(value) &&
    (over ? value > min : value >= min) &&
    value <= max &&
    (!whole || Number.isInteger(value));
  if (!fits) add(problems, 'invalid_value', path, `must be ${what}`);
}

interface NumberRange {
  readonly min: number;
  readonly max?: number | undefined;
  readonly whole?: boolean | undefined;
  /** Whether `min` itself is out of the range. */
  readonly over?: boolean | undefined;
  readonly what: string;
}

export const POSITIVE_MS = { min: 0, over: true, what: 'a number of milliseconds > 0' };
export const SOME_MS = { min: 0, what: 'a number of milliseconds ≥ 0' };
export const COUNT = { min: 1, whole: true, what: 'an integer ≥ 1' };

/** Reports a value that is none of these words; undefined is accepted. */
export function checkWord(
  problems: Problems,
  value: unknown,
  words: readonly string[],
  path: PlanPath,
): void {
  if (value === undefined || words.includes(value as string)) return;
  const suggestion = typeof value === 'string' ? didYouMean(value, words) : '';
  add(problems, 'invalid_value', path, `must be one of ${words.join(', ')}.${suggestion}`);
}

/** Characters that logs, terminals and stores do not keep as they are. */
export const UNREADABLE = /[\p{Cc}\p{Cs}]/u;
export const NOT_UNREADABLE = 'must not contain control characters or lone surrogates';

/** An id for a message: its beginning, if it is long. */
export function shorten(id: string): string {
  return id.length <= 80 ? id : `${id.slice(0, 80)}…`;
}

export function quote(id: string): string {
  return `"${shorten(id)}"`;
}

export function isListOfIds(value: unknown): value is string[] {
  if (!Array.isArray(value)) return false;
  // By position, because every() skips holes.
  for (let position = 0; position < value.length; position++) {
    if (typeof value[position] !== 'string' || value[position] === '') return false;
  }
  return true;
}

/** Up to this many names, comparing with each is faster than making a set of them. */
const MAX_COMPARED = 8;

/** Whether a name is one of these, in constant time. */
export function membership(names: readonly string[]): (name: string) => boolean {
  if (names.length <= MAX_COMPARED) return (name) => names.includes(name);
  const set = new Set(names);
  return (name) => set.has(name);
}
