import { didYouMean } from '../util/suggest.js';
import { OptionError, show } from './errors.js';

/**
 * Throws an {@link OptionError} when `options` has a key that is not in `known`, so that a misspelt
 * option is never ignored.
 *
 * @example
 * checkOptions('parallel()', options, ['maxParallel', 'levelBarrier']);
 * // OptionError: parallel() has no option "maxparallel". Did you mean "maxParallel"?
 */
export function checkOptions(owner: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new OptionError(`${owner} takes an object of options`);
  }
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      const suggestion = didYouMean(key, known) || ` It takes ${known.join(', ') || 'none'}.`;
      throw new OptionError(`${owner} has no option "${key}".${suggestion}`);
    }
  }
}

/**
 * Throws an {@link OptionError} unless `value` is an integer ≥ 1 or `Infinity`.
 *
 * @example
 * checkLimit('parallel()', 'maxParallel', 0);
 * // OptionError: parallel(): maxParallel must be an integer ≥ 1 or Infinity; it is 0
 */
export function checkLimit(owner: string, name: string, value: number): void {
  if (value !== Number.POSITIVE_INFINITY && !(Number.isInteger(value) && value >= 1)) {
    throw new OptionError(
      `${owner}: ${name} must be an integer ≥ 1 or Infinity; it is ${show(value)}`,
    );
  }
}

/** Throws an {@link OptionError} unless `value` is a positive, finite number of milliseconds. */
export function checkDuration(owner: string, name: string, value: number): void {
  if (!(Number.isFinite(value) && value > 0)) {
    throw new OptionError(
      `${owner}: ${name} must be a positive number of milliseconds; it is ${show(value)}`,
    );
  }
}

/** Throws an {@link OptionError} unless `value` is true or false. */
export function checkFlag(owner: string, name: string, value: boolean): void {
  if (typeof value !== 'boolean') {
    throw new OptionError(`${owner}: ${name} must be true or false; it is ${show(value)}`);
  }
}
