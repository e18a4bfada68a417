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

function named<T extends Error>(error: T, name: string): T {
  delete error.stack;
  return Object.defineProperty(error, 'name', {
    value: name,
    configurable: true,
    writable: true,
    enumerable: error instanceof StratagemError,
  });
}
