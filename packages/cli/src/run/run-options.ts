import type { Plan, RunOptions } from '@stratagem/core';
import { loadPrices } from '../load/load-prices.js';
import type { LimitFlags } from '../options/run-flags.js';
import { toBudget } from '../options/to-budget.js';

/** The options of a run that come from the command line. */
export async function toRunOptions(flags: LimitFlags): Promise<RunOptions> {
  const { failFast, deadline, seed, budgetTokens, budgetCost, prices } = flags;
  const budget = toBudget(budgetTokens, budgetCost);
  return {
    ...(failFast && { failFast: true }),
    ...(deadline !== undefined && { deadlineMs: deadline }),
    ...(seed !== undefined && { seed }),
    ...(Object.keys(budget).length > 0 && { budget }),
    ...(prices !== undefined && {
      prices: typeof prices === 'string' ? await loadPrices(prices) : prices,
    }),
  };
}

/** Overrides the retries of the plan, but not those of single tasks. */
export function withRetries(plan: Plan, retries: number | undefined): Plan {
  return retries === undefined ? plan : { ...plan, ...retryOptions(retries, plan.retry) };
}

/** Retries as an option of the library, which counts attempts. */
export function retryOptions(
  retries: number | undefined,
  retry?: Plan['retry'],
): Pick<Plan, 'retry'> {
  return retries === undefined ? {} : { retry: { ...retry, maxAttempts: retries + 1 } };
}
