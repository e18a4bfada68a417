import { checkLimit } from './check-options.js';
import { OptionError } from './errors.js';
import type { Strategy } from './strategy.js';

/** The cap of a run without one in its strategy and its options. */
const DEFAULT_MAX_PARALLEL = 16;

/** The cap in force: the lower one of the strategy and the options of the run. */
export function capOf(strategy: Strategy, limit: number | undefined): number {
  if (limit === undefined) return strategy.maxParallel ?? DEFAULT_MAX_PARALLEL;
  return Math.min(limit, strategy.maxParallel ?? limit);
}

/** @throws {OptionError} unless the value has the shape of a strategy. */
export function checkStrategy(owner: string, strategy: Strategy): void {
  if (typeof strategy?.begin !== 'function' || typeof strategy.name !== 'string') {
    throw new OptionError(
      `${owner}: strategy must be a Strategy, such as parallel() of @stratagem/parallel`,
    );
  }
  const { maxParallel } = strategy;
  if (maxParallel !== undefined)
    checkLimit(`strategy "${strategy.name}"`, 'maxParallel', maxParallel);
}
