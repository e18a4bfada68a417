import type { Budget } from '../contract/budget.js';
import type { Estimate } from '../contract/task.js';
import type { Excess } from '../state/budget-excess.js';
import type { BudgetLedger } from '../state/budget-ledger.js';
import type { RunState } from '../state/run-state.js';

/**
 * Whether a start fits into the budget: undefined when it does, otherwise the limit it would exceed.
 * An excess with something `reserved` may pass when an attempt in flight uses less than expected.
 *
 * @param isFirst Whether it would be the first attempt at its task.
 */
export function excessOf(
  budget: Budget,
  state: RunState,
  estimate: Estimate | undefined,
  isFirst: boolean,
  now: number,
): Excess | undefined {
  const { tokens, costUsd, tasks, wallTimeMs } = budget;
  const { spending } = state;
  const ledger = state.budget as BudgetLedger;
  if (tasks !== undefined && isFirst && ledger.tasks + 1 > tasks) {
    return { budget: 'tasks', limit: tasks, used: ledger.tasks, reserved: 0, requested: 1 };
  }
  const elapsed = now - state.limitsSince;
  const durationMs = estimate?.durationMs ?? 0;
  if (wallTimeMs !== undefined && (elapsed >= wallTimeMs || elapsed + durationMs > wallTimeMs)) {
    const [used, requested] = [elapsed, durationMs];
    return { budget: 'wallTimeMs', limit: wallTimeMs, used, reserved: 0, requested };
  }
  const reserve = ledger.reserveFor(estimate);
  if (tokens !== undefined) {
    const [used, reserved, requested] = [spending.totalTokens, ledger.tokens, reserve.tokens];
    if (exceeds(used, reserved, requested, tokens)) {
      return { budget: 'tokens', limit: tokens, used, reserved, requested };
    }
  }
  if (costUsd !== undefined) {
    const [used, reserved, requested] = [spending.costUsd, ledger.costUsd, reserve.costUsd];
    if (used === null) return { budget: 'costUsd', limit: costUsd, used, reserved: 0, requested };
    if (exceeds(used, reserved, requested, costUsd)) {
      return { budget: 'costUsd', limit: costUsd, used, reserved, requested };
    }
  }
  return undefined;
}

/** What may still be used, whatever is in flight; a limit that there is not is left out. */
export function remainingBudget(budget: Budget, state: RunState, now: number): Budget {
  const { tokens, costUsd, tasks, wallTimeMs } = budget;
  const { totalTokens, costUsd: spent } = state.spending;
  const left = (limit: number, used: number) => Math.max(0, limit - used);
  return {
    ...(tokens !== undefined && { tokens: left(tokens, totalTokens) }),
    // Once a price is unknown, nothing is left that could be counted on.
    ...(costUsd !== undefined && { costUsd: left(costUsd, spent ?? costUsd) }),
    ...(tasks !== undefined && { tasks: left(tasks, (state.budget as BudgetLedger).tasks) }),
    ...(wallTimeMs !== undefined && { wallTimeMs: left(wallTimeMs, now - state.limitsSince) }),
  };
}

/** A budget that is used up allows nothing more, even what is expected to use nothing. */
function exceeds(used: number, reserved: number, requested: number, limit: number): boolean {
  return used >= limit || used + reserved + requested > limit;
}
