import { OptionError } from '@stratagem/core';

/** The option of every server model with latencies. */
export interface SpreadOption {
  /**
   * The spread of latencies, as the standard deviation of their logarithm: 0 is none, 0.5 is common,
   * 1 has a heavy tail.
   * @default 0
   */
  readonly sigma?: number | undefined;
}

/** @throws {OptionError} unless the value is a finite number of at least `min`. */
export function checkNumber(owner: string, name: string, value: number, min = 0): void {
  if (Number.isFinite(value) && value >= min) return;
  const range = min === Number.NEGATIVE_INFINITY ? '' : ` of at least ${min}`;
  throw new OptionError(`${owner}: ${name} must be a number${range}; it is ${String(value)}`);
}

/** @throws {OptionError} unless the value is a finite number above 0. */
export function checkPositive(owner: string, name: string, value: number): void {
  if (Number.isFinite(value) && value > 0) return;
  throw new OptionError(`${owner}: ${name} must be a number above 0; it is ${String(value)}`);
}
