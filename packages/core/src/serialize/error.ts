import {
  OptionError,
  ReplanError,
  RunnerError,
  StratagemError,
  StrategyError,
  TaskError,
} from '../contract/errors.js';
import { JournalError } from '../contract/journal-error.js';
import { PlanError } from '../contract/plan-error.js';

const CLASSES: Readonly<Record<string, { readonly prototype: StratagemError }>> = {
  JournalError,
  OptionError,
  PlanError,
  ReplanError,
  RunnerError,
  StratagemError,
  StrategyError,
  TaskError,
};

/** Restores an error from the data of `toData`, without its stack and its cause. */
export function reviveError({ name, message, ...known }: Record<string, unknown>): Error {
  const Class = Object.hasOwn(CLASSES, name as string) ? CLASSES[name as string] : undefined;
  if (typeof known.code !== 'string') {
    return named(new Error(message as string), name as string);
  }
  const error = new StratagemError(known.code as StratagemError['code'], message as string);
  // The class of a user that extends ours is not known here.
  Object.setPrototypeOf(error, (Class ?? StratagemError).prototype);
  return Object.assign(named(error, name as string), known);
}

/** Restores an error of another library: a built-in one if it has such a name. */
export function reviveForeignError(fields: Record<string, unknown>): Error {
  const { name, message, code, cause, errors } = fields;
  const Class = BUILT_IN.find((each) => each.name === name) ?? Error;
  const error = new Class(message as string, cause === undefined ? undefined : { cause });
  if (code !== undefined) Object.assign(error, { code });
  if (errors !== undefined) {
    Object.setPrototypeOf(error, AggregateError.prototype);
    Object.defineProperty(error, 'errors', { value: errors, configurable: true, writable: true });
  }
  return error.name === name ? withoutStack(error) : named(error, name as string);
}

const BUILT_IN = [TypeError, RangeError, SyntaxError, ReferenceError, URIError, EvalError];

function withoutStack<T extends Error>(error: T): T {
  delete error.stack;
  return error;
}

function named<T extends Error>(error: T, name: string): T {
  return Object.defineProperty(withoutStack(error), 'name', {
    value: name,
    configurable: true,
    writable: true,
    enumerable: error instanceof StratagemError,
  });
}
