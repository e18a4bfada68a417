import { type Budget, type RunOptions, StratagemError } from '@stratagem/core';
import type { Cost } from '../util/cost.js';

/**
 * Planning and running share their limits: returns the limits for the run after planning.
 *
 * @throws {StratagemError} `budget_exceeded` or `deadline_exceeded` when planning has used up a limit.
 */
export function remainingLimits(
  { budget, deadlineMs }: Pick<RunOptions, 'budget' | 'deadlineMs'>,
  { usage, costUsd }: Cost,
  elapsedMs: number,
): RunOptions {
  if (budget?.costUsd !== undefined && costUsd === null) {
    throw exhaustedError('costUsd', 'planning used tokens whose price is unknown');
  }
  const used: Budget = {
    tokens: usage.inputTokens + usage.outputTokens,
    costUsd: costUsd ?? 0,
    wallTimeMs: elapsedMs,
  };
  return {
    ...(budget !== undefined && { budget: remainingBudget(budget, used) }),
    ...(deadlineMs !== undefined && { deadlineMs: remainingTime(deadlineMs, elapsedMs) }),
  };
}

function remainingBudget(budget: Budget, used: Budget): Budget {
  const remaining: Record<string, number> = {};
  for (const [name, limit] of Object.entries(budget) as [keyof Budget, number | undefined][]) {
    if (limit === undefined) continue;
    const left = limit - (used[name] ?? 0);
    if (left <= 0) throw exhaustedError(name, `planning used ${used[name]} of ${limit}`);
    remaining[name] = left;
  }
  return remaining;
}

function remainingTime(deadlineMs: number, elapsedMs: number): number {
  if (elapsedMs < deadlineMs) return deadlineMs - elapsedMs;
  const message = `The plan was not run: planning exceeded the deadline of ${deadlineMs} ms`;
  throw new StratagemError('deadline_exceeded', message);
}

function exhaustedError(name: string, reason: string): StratagemError {
  const message = `The plan was not run: the budget for ${name} is used up, because ${reason}`;
  return new StratagemError('budget_exceeded', message);
}
