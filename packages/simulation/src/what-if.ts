import { checkLimit, OptionError, type Plan, type Strategy } from '@stratagem/core';
import { type Figures, figuresOf } from './figures.js';
import { type SimulateOnOptions, simulateOn } from './simulate-on.js';

export interface WhatIfOptions extends Omit<SimulateOnOptions, 'strategy' | 'maxParallel'> {
  /** The caps to compare. */
  readonly maxParallel: readonly number[];
  /** The strategy, or what makes it for a cap. */
  readonly strategy: Strategy | ((maxParallel: number) => Strategy);
}

/** What would come of a plan under one cap. */
export interface WhatIfRow extends Figures {
  readonly maxParallel: number;
}

/**
 * How a plan would fare under several caps: one row for each.
 *
 * @throws {PlanError} when the plan cannot be run.
 * @throws {OptionError} when an option is unknown, or the strategy's own cap is below one asked for.
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
  const { maxParallel: caps, strategy, ...rest } = options;
  if (!Array.isArray(caps) || caps.length === 0) {
    throw new OptionError('whatIf(): maxParallel must be a list of at least one number');
  }
  return caps.map((maxParallel: number) => {
    checkLimit('whatIf()', 'maxParallel', maxParallel);
    const chosen = typeof strategy === 'function' ? strategy(maxParallel) : strategy;
    const { name, maxParallel: own = Number.POSITIVE_INFINITY } = chosen;
    if (own < maxParallel) {
      throw new OptionError(
        `whatIf(): the strategy "${name}" has a maxParallel of ${own} itself, so ${maxParallel} would ` +
          'have no effect; give a function that makes the strategy for each cap',
      );
    }
    return {
      maxParallel,
      ...figuresOf(simulateOn(plan, { ...rest, strategy: chosen, maxParallel })),
    };
  });
}
