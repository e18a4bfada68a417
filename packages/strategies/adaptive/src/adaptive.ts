import { checkLimit, checkOptions, OptionError, type Strategy } from '@stratagem/core';
import { checkLearned, type Learned } from './model/learned.js';
import { AdaptiveScheduler } from './scheduler/scheduler.js';

export interface AdaptiveOptions {
  /**
   * The most tasks that run at once, over all resources, whatever the servers would take: a whole
   * number of at least 1, or `Infinity` (no more than 8,192 for one resource).
   * @default 128
   */
  maxParallel?: number;
  /**
   * What share of the possible gain more at once must bring to be worth it, above 0 and up to 1.
   * With 0.1, twice as many at once must bring at least a tenth more throughput; with 0.9, nearly
   * twice as much. A higher one spares servers that slow down, a lower one takes the last bit of
   * throughput out of them.
   * @default 0.1
   */
  adaptiveThreshold?: number;
  /**
   * What an earlier run learned, as `learned()` of its strategy gave it: the run begins with that,
   * and goes on learning.
   * @default nothing is known
   */
  warmStart?: Learned;
}

/** A strategy that can say what its runs have learned. */
export interface AdaptiveStrategy extends Strategy {
  /** What the run that began last has learned so far, as plain data; undefined before any run. */
  learned(): Learned | undefined;
}

/**
 * Finds by itself how many tasks may run at once, for each resource (provider and model) apart:
 * more while that brings more throughput, fewer when requests are refused or not answered, at the
 * pace that the server announces or that its refusals tell. Among ready tasks the one with the
 * longest path below it goes first, by durations that it learns.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const strategy = adaptive();
 * await createExecutor({ strategy, runner }).execute(plan);
 * await writeFile('learned.json', JSON.stringify(strategy.learned()));
 */
export function adaptive(options: AdaptiveOptions = {}): AdaptiveStrategy {
  checkOptions('adaptive()', options, ['maxParallel', 'adaptiveThreshold', 'warmStart']);
  const { maxParallel = 128, adaptiveThreshold = 0.1, warmStart } = options;
  checkLimit('adaptive()', 'maxParallel', maxParallel);
  if (typeof adaptiveThreshold !== 'number' || !(adaptiveThreshold > 0 && adaptiveThreshold <= 1)) {
    throw new OptionError(
      `adaptive(): adaptiveThreshold must be a number above 0 and up to 1; it is ${String(adaptiveThreshold)}`,
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
