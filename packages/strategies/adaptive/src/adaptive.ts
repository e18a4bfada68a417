import type { Strategy } from '@stratagem/core';
import { checkLimit, checkOptions, OptionError } from '@stratagem/core/strategy';
import { checkLearned, type Learned } from './estimate/learned.js';
import type { SharedResource } from './scheduler/lane.js';
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
  /**
   * Whether runs of this strategy that are under way at the same time share what they learn, and divide the
   * limit of each resource evenly. Use it for runs against the same servers; a resource is known by its name.
   * @default false: each run adapts by itself, as if the others were a part of the server
   */
  shareRuns?: boolean | undefined;
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
 * one with the longest path below it starts first, by durations that it learns.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const strategy = adaptive();
 * await createExecutor({ strategy, runner }).execute(plan).orThrow();
 * await writeFile('learned.json', JSON.stringify(strategy.learned()));
 */
export function adaptive(options: AdaptiveOptions = {}): AdaptiveStrategy {
  checkOptions('adaptive()', options, [
    'maxParallel',
    'adaptiveThreshold',
    'warmStart',
    'shareRuns',
  ]);
  const { maxParallel = 128, adaptiveThreshold = 0.1, warmStart, shareRuns = false } = options;
  checkLimit('adaptive()', 'maxParallel', maxParallel);
  if (typeof adaptiveThreshold !== 'number' || !(adaptiveThreshold > 0 && adaptiveThreshold <= 1)) {
    throw new OptionError(
      `adaptive(): adaptiveThreshold must be a number > 0 and ≤ 1; it is ${String(adaptiveThreshold)}`,
    );
  }
  if (typeof shareRuns !== 'boolean') {
    throw new OptionError(
      `adaptive(): shareRuns must be true or false; it is ${String(shareRuns)}`,
    );
  }
  const known = warmStart === undefined ? undefined : checkLearned(warmStart);
  const shared = shareRuns ? new Map<string, SharedResource>() : undefined;
  let latest: AdaptiveScheduler | undefined;
  return {
    name: 'adaptive',
    maxParallel,
    begin(run) {
      latest = new AdaptiveScheduler(run, { maxParallel, adaptiveThreshold }, known, shared);
      return latest;
    },
    learned: () => latest?.learned(),
  };
}
