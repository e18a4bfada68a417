import type { Strategy } from '@stratagem/core';
import { checkLimit, checkOptions, OptionError } from '@stratagem/core/strategy';
import { checkLearned, type Learned } from './estimate/learned.js';
import { AdaptiveScheduler } from './scheduler/scheduler.js';

export interface AdaptiveOptions {
  /**
   * The most tasks that run at once, over all resources: an integer ≥ 1, or `Infinity`. One resource
   * never runs more than 8,192.
   * @default 128
   */
  maxParallel?: number | undefined;
  /**
   * The share of the possible gain that higher concurrency must bring, > 0 and ≤ 1. With 0.1, doubling
   * the concurrency must raise throughput by at least 10 %; with 0.9, by at least 90 %. A higher
   * threshold spares servers that slow down under load; a lower one maximizes throughput.
   * @default 0.1
   */
  adaptiveThreshold?: number | undefined;
  /**
   * The result of `learned()` after an earlier run. The run starts from it and continues to learn.
   * @default nothing is known
   */
  warmStart?: Learned | undefined;
}

/** A strategy that returns what its runs have learned. */
export interface AdaptiveStrategy extends Strategy {
  /** What the latest run has learned so far, as plain data; undefined before the first run. */
  learned(): Learned | undefined;
}

/**
 * Finds the best number of concurrent tasks, separately for each resource (provider and model). It
 * raises the number while throughput grows and lowers it when requests are refused or time out. It
 * keeps within rate limits, whether the server announces them or only refuses. Among ready tasks, the
 * one with the longest path below it starts first, by durations that it learns. Runs of one process that are
 * under way at the same runner share its limit evenly, and what they learn about it.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const strategy = adaptive();
 * await createExecutor({ strategy, runner }).execute(plan).orThrow();
 * await writeFile('learned.json', JSON.stringify(strategy.learned()));
 */
export function adaptive(options: AdaptiveOptions = {}): AdaptiveStrategy {
  checkOptions('adaptive()', options, ['maxParallel', 'adaptiveThreshold', 'warmStart']);
  const { maxParallel = 128, adaptiveThreshold = 0.1, warmStart } = options;
  checkLimit('adaptive()', 'maxParallel', maxParallel);
  if (typeof adaptiveThreshold !== 'number' || !(adaptiveThreshold > 0 && adaptiveThreshold <= 1)) {
    throw new OptionError(
      `adaptive(): adaptiveThreshold must be a number > 0 and ≤ 1; it is ${String(adaptiveThreshold)}`,
    );
  }
  const known = warmStart === undefined ? undefined : checkLearned(warmStart);
  let latest: AdaptiveScheduler | undefined;
  return {
    name: 'adaptive',
    maxParallel,
    begin(run) {
      latest = new AdaptiveScheduler(run, { maxParallel, adaptiveThreshold }, known);
      return latest;
    },
    learned: () => latest?.learned(),
  };
}
