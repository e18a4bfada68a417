import { compilePattern, type Pattern } from '../util/pattern/pattern.js';
import { isLate } from '../util/promise.js';
import { RunnerError } from './errors.js';
import { hasPath, missingValue, parseReference, readPath } from './reference.js';

export const OPERATORS = ['==', '!=', '>', '<', '>=', '<=', 'contains', 'matches'] as const;

/**
 * How two values are compared. `==` and `!=` compare whole values; `<` and its like compare two
 * numbers or two strings; `contains` looks for a substring or for an item of a list; `matches` takes
 * a regular expression. Its syntax has no look-around and no backreferences, so no pattern can hang. A
 * condition fails when a large pattern takes too long on a long text, and a criterion is not met.
 */
export type Operator = (typeof OPERATORS)[number];

/** One comparison: the value at `path`, an operator, and the value to compare with. */
export interface Comparison {
  /** A dependency and a path in its output: `triage.kind`, `search.results[0].title`. */
  readonly path: string;
  readonly operator: Operator;
  readonly value: unknown;
}

/** A condition as data. */
export type Condition =
  | Comparison
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition };

type Inputs = Readonly<Record<string, unknown>>;

/**
 * Whether the condition of a task holds for these inputs.
 *
 * @param field The field of the task that the condition is in.
 */
export function isMet(
  field: 'when' | 'until',
  condition: Condition | ((inputs: Inputs) => boolean),
  inputs: Inputs,
): boolean {
  if (typeof condition !== 'function') return holds(field, condition, inputs);
  const answer: unknown = condition(inputs);
  // Any promise would count as true.
  if (!isLate(answer)) return Boolean(answer);
  const message = `its ${field} function must be synchronous; it returned a promise`;
  throw new RunnerError('invalid_input', message);
}

function holds(field: string, condition: Condition, inputs: Inputs): boolean {
  const isTrue = (part: Condition) => holds(field, part, inputs);
  if ('all' in condition) return condition.all.every(isTrue);
  if ('any' in condition) return condition.any.some(isTrue);
  if ('not' in condition) return !isTrue(condition.not);
  return compare(valueAt(field, condition, inputs), condition.operator, condition.value);
}

/** @throws {RunnerError} `invalid_input` when the output of the dependency has nothing at the path. */
function valueAt(field: string, { path: source }: Comparison, inputs: Inputs): unknown {
  // A dependency that was not chosen is not among the inputs, so its value is undefined.
  const reference = parseReference(source, (id) => Object.hasOwn(inputs, id));
  if (reference === undefined) return undefined;
  const { id, path } = reference;
  const value = readPath(inputs[id], path);
  if (value === undefined && !hasPath(inputs[id], path)) {
    throw missingValue(`"${source}", which its ${field} compares`, id, inputs[id], path);
  }
  return value;
}

/** Whether `actual operator expected` is true; false when the two cannot be compared that way. */
export function compare(actual: unknown, operator: Operator, expected: unknown): boolean {
  switch (operator) {
    case '==':
      return equal(actual, expected);
    case '!=':
      return !equal(actual, expected);
    case '>':
      return comparable(actual, expected) && actual > (expected as number);
    case '<':
      return comparable(actual, expected) && actual < (expected as number);
    case '>=':
      return comparable(actual, expected) && actual >= (expected as number);
    case '<=':
      return comparable(actual, expected) && actual <= (expected as number);
    case 'contains':
      if (Array.isArray(actual)) return actual.some((item) => equal(item, expected));
      return typeof actual === 'string' && actual.includes(String(expected));
    case 'matches':
      return typeof actual === 'string' && matches(actual, String(expected));
  }
}

/** @throws {RunnerError} `invalid_input` when the pattern takes too long on this text. */
function matches(text: string, source: string): boolean {
  try {
    return patternOf(source).test(text);
  } catch (cause) {
    throw new RunnerError('invalid_input', `matches: ${(cause as Error).message}`, { cause });
  }
}

/** Compiled patterns by their source: a plan has few, and tests them often. */
const patterns = new Map<string, Pattern>();
const MOST_PATTERNS = 200;

function patternOf(source: string): Pattern {
  let pattern = patterns.get(source);
  if (pattern === undefined) {
    if (patterns.size >= MOST_PATTERNS) patterns.clear();
    pattern = compilePattern(source);
    patterns.set(source, pattern);
  }
  return pattern;
}

function comparable(a: unknown, b: unknown): a is number {
  return typeof a === typeof b && (typeof a === 'number' || typeof a === 'string');
}

/** Whether two values hold the same data. */
function equal(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  if (kindOf(a) !== kindOf(b)) return false;
  if (a instanceof Date) return Object.is(a.getTime(), (b as Date).getTime());
  // Their contents are not in their properties.
  if (a instanceof Map || a instanceof Set) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every(
    (key) =>
      Object.hasOwn(b, key) &&
      equal((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]),
  );
}

function kindOf(value: object): string {
  return Object.prototype.toString.call(value);
}
