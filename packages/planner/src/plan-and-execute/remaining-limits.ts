import { type Budget, type RunOptions, StratagemError } from '@stratagem/core';
import type { Bill } from '../util/cost.js';

/**
 * Of the limits of planning and running together, what making the plan has left.
 *
 * @throws {StratagemError} `budget_exceeded` or `plan_timeout` when that is nothing.
 */
export function limitsLeft(
  { budget, deadlineMs }: Pick<RunOptions, 'budget' | 'deadlineMs'>,
  { usage, costUsd }: Bill,
  elapsedMs: number,
): RunOptions {
  if (budget?.costUsd !== undefined && costUsd === null) {
    throw exhausted('costUsd', 'tokens were used whose price is unknown');
  }
  const used: Budget = {
    tokens: usage.inputTokens + usage.outputTokens,
    costUsd: costUsd ?? 0,
    wallTimeMs: elapsedMs,
  };
  return {
    ...(budget !== undefined && { budget: budgetLeft(budget, used) }),
    ...(deadlineMs !== undefined && { deadlineMs: timeLeft(deadlineMs, elapsedMs) }),
  };
}

function budgetLeft(budget: Budget, used: Budget): Budget {
  const left: Record<string, number> = {};
  for (const [name, limit] of Object.entries(budget) as [keyof Budget, number | undefined][]) {
    if (limit === undefined) continue;
    left[name] = limit - (used[name] ?? 0);
    if (left[name] <= 0)
      throw exhausted(name, `making the plan has used ${used[name]} of ${limit}`);
  }
  return left;
}

function timeLeft(deadlineMs: number, elapsedMs: number): number {
  if (elapsedMs < deadlineMs) return deadlineMs - elapsedMs;
  const message = `The plan was stopped: making it took the ${deadlineMs} ms that it had`;
  throw new StratagemError('plan_timeout', message);
}

function exhausted(budget: string, why: string): StratagemError {
  const message = `The plan was not run: nothing is left of its budget for ${budget}, because ${why}`;
  return new StratagemError('budget_exceeded', message);
}
