import { OptionError } from '@stratagem/core';

/** What every server model with latencies takes. */
export interface SpreadOption {
  /**
   * Deviation of the logarithm of the latencies around what a task takes: 0 for none, 0.5 is
   * common, 1 has a heavy tail.
   * @default 0
   */
  readonly sigma?: number;
}

/** @throws {OptionError} unless it is a finite number of at least `min`. */
export function checkNumber(owner: string, name: string, value: number, min = 0): void {
  if (Number.isFinite(value) && value >= min) return;
  const range = min === Number.NEGATIVE_INFINITY ? '' : ` of at least ${min}`;
  throw new OptionError(`${owner}: ${name} must be a number${range}; it is ${String(value)}`);
}

/** @throws {OptionError} unless it is a finite number above 0. */
export function checkPositive(owner: string, name: string, value: number): void {
  if (Number.isFinite(value) && value > 0) return;
  throw new OptionError(`${owner}: ${name} must be a number above 0; it is ${String(value)}`);
}
