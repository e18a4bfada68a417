import { OptionError, type Plan, type Strategy } from '@stratagem/core';
import { checkLimit, checkOptions, checkStrategy } from '@stratagem/core/strategy';
import { SIMULATE_ON_OPTIONS, type SimulateOnOptions, simulateOn } from './simulate-on.js';
import { type Stats, summarize } from './summarize.js';

export interface WhatIfOptions extends Omit<SimulateOnOptions, 'strategy' | 'maxParallel'> {
  /** The values of `maxParallel` to compare. */
  readonly maxParallel: readonly number[];
  /** The strategy, or a function that creates it for a `maxParallel`. */
  readonly strategy: Strategy | ((maxParallel: number) => Strategy);
}

/** The result of a plan with one `maxParallel`. */
export interface WhatIfRow extends Stats {
  readonly maxParallel: number;
}

/**
 * Simulates a plan with several values of `maxParallel`; returns a row for each.
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
  checkOptions('whatIf()', options, SIMULATE_ON_OPTIONS);
  const { maxParallel: caps, strategy, ...rest } = options;
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
    return {
      maxParallel,
      ...summarize(simulateOn(plan, { ...rest, strategy: chosen, maxParallel })),
    };
  });
}
