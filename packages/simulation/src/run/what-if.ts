import { OptionError, type Plan, type Strategy } from '@stratagem/core';
import { checkLimit, checkOptions, checkStrategy } from '@stratagem/core/strategy';
import { SIMULATE_ON_OPTIONS, type SimulateOnOptions, simulateOn } from './simulate-on.js';
import { type Stats, summarize } from './summarize.js';

export interface WhatIfOptions extends Omit<SimulateOnOptions, 'strategy' | 'maxParallel'> {
  /** The values of `maxParallel` to compare. */
  readonly maxParallel: readonly number[];
  /** The strategy, or a function that creates it for a `maxParallel`. */
  readonly strategy: Strategy | ((maxParallel: number) => Strategy);
  /**
   * Simulates each `maxParallel` this many times, with the seeds from `seed` on: an integer ≥ 1. Several
   * runs give a range, if latencies are random.
   * @default 1
   */
  readonly runs?: number | undefined;
}

/** The values that 80 % of the runs are between, and their median. */
export interface Range {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

/** The result of a plan with one `maxParallel`. */
export interface WhatIfRow extends Stats {
  readonly maxParallel: number;
  /** With several `runs`, how many did not complete. They are left out, unless none completed. */
  readonly failedRuns?: number | undefined;
  /** With several `runs`, their makespans. The other figures are those of the median run. */
  readonly makespanRangeMs?: Range | undefined;
  /** With several `runs`, their costs in US dollars; undefined when a price is unknown. */
  readonly costRangeUsd?: Range | undefined;
}

/**
 * Simulates a plan with several values of `maxParallel`; returns a row for each. With `recordedRun()` as the
 * server and several `runs`, it forecasts the time and the cost of a plan with a range.
 *
 * @throws {PlanError} when the plan is invalid.
 * @throws {OptionError} when an option is unknown, or the strategy's own `maxParallel` is lower.
 *
 * @example
 * const rows = whatIf(plan, {
 *   maxParallel: [4, 8, 16],
 *   strategy: (maxParallel) => parallel({ maxParallel }),
 *   server: rateLimited({ requestsPerMinute: 60 }),
 * });
 * for (const { maxParallel, makespanMs } of rows) console.log(maxParallel, makespanMs);
 */
export function whatIf(plan: Plan<unknown>, options: WhatIfOptions): WhatIfRow[] {
  checkOptions('whatIf()', options, [...SIMULATE_ON_OPTIONS, 'runs']);
  const { maxParallel: caps, strategy, runs = 1, ...rest } = options;
  checkLimit('whatIf()', 'runs', runs);
  if (runs === Number.POSITIVE_INFINITY) {
    throw new OptionError('whatIf(): runs must be an integer ≥ 1; it is Infinity');
  }
  if (!Array.isArray(caps) || caps.length === 0) {
    throw new OptionError('whatIf(): maxParallel must be a list of at least one number');
  }
  return caps.map((maxParallel: number) => {
    checkLimit('whatIf()', 'maxParallel', maxParallel);
    const chosen = typeof strategy === 'function' ? strategy(maxParallel) : strategy;
    checkStrategy('whatIf()', chosen);
    const { name, maxParallel: own = Number.POSITIVE_INFINITY } = chosen;
    if (own < maxParallel) {
      throw new OptionError(
        `whatIf(): the strategy "${name}" has a maxParallel of ${own} itself, so ${maxParallel} would ` +
          'have no effect; pass a function that creates the strategy for each maxParallel',
      );
    }
    const results = Array.from({ length: runs }, (_, run) =>
      summarize(
        simulateOn(plan, {
          ...{ ...rest, strategy: chosen, maxParallel },
          ...(runs > 1 && { seed: (rest.seed ?? 0) + run }),
        }),
      ),
    );
    return { maxParallel, ...summaryOf(results) };
  });
}

/** The share of the runs on either side of a range. */
const TAIL = 0.1;

function summaryOf(runs: readonly Stats[]): Omit<WhatIfRow, 'maxParallel'> {
  // A run that failed is over early, so it is no evidence about the time.
  const completed = runs.filter(({ status }) => status === 'completed');
  const ended = completed.length === 0 ? runs : completed;
  const sorted = ended.toSorted((a, b) => a.makespanMs - b.makespanMs);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)] as Stats;
  if (runs.length === 1) return middle;
  const costs = ended.flatMap(({ costUsd }) => costUsd ?? []);
  return {
    ...middle,
    failedRuns: runs.length - completed.length,
    makespanRangeMs: rangeOf(sorted.map(({ makespanMs }) => makespanMs)),
    ...(costs.length === ended.length && { costRangeUsd: rangeOf(costs) }),
  };
}

function rangeOf(values: readonly number[]): Range {
  const sorted = values.toSorted((a, b) => a - b);
  return {
    low: quantile(sorted, TAIL),
    median: quantile(sorted, 0.5),
    high: quantile(sorted, 1 - TAIL),
  };
}

/** Interpolated between the nearest of these sorted values, so that a further value is below with this probability. */
function quantile(sorted: readonly number[], share: number): number {
  const position = Math.min(sorted.length - 1, Math.max(0, share * (sorted.length + 1) - 1));
  const below = Math.floor(position);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  return low + (high - low) * (position - below);
}
