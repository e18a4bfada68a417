import type { Strategy } from './strategy.js';

/** The cap of a run without one in its strategy and its options. */
const DEFAULT_MAX_PARALLEL = 16;

/** The cap in force: the lower one of the strategy and the options of the run. */
export function capOf(strategy: Strategy, limit: number | undefined): number {
  if (limit === undefined) return strategy.maxParallel ?? DEFAULT_MAX_PARALLEL;
  return Math.min(limit, strategy.maxParallel ?? limit);
}
