import type { Budget, ResourceBudget } from '../contract/budget.js';
import type { Estimate } from '../contract/task.js';
import type { Excess } from '../state/budget-excess.js';
import type { BudgetLedger } from '../state/budget-ledger.js';
import type { ResourceLedger, ResourceLedgers } from '../state/resource-ledgers.js';
import type { RunState } from '../state/run-state.js';
import type { Spending, Spent } from '../state/spending.js';

/**
 * Whether a start fits into the budget of the whole run: undefined when it does. `'wait'` when an attempt
 * in flight has to end before that is known; otherwise the limit that it would exceed.
 *
 * While attempts are in flight, a start without an estimate must leave room for as much as the largest
 * attempt so far, for itself and for each of them. Alone, it needs room for the average.
 *
 * @param isFirst Whether it would be the first attempt at its task.
 */
export function excessOf(
  budget: Budget,
  state: RunState,
  estimate: Estimate | undefined,
  isFirst: boolean,
  now: number,
): Excess | 'wait' | undefined {
  const { tasks, wallTimeMs } = budget;
  const ledger = state.budget as BudgetLedger;
  if (tasks !== undefined && isFirst && ledger.tasks + 1 > tasks) {
    return { budget: 'tasks', limit: tasks, used: ledger.tasks, requested: 1 };
  }
  const elapsed = now - state.limitsSince;
  const durationMs = estimate?.durationMs ?? 0;
  if (wallTimeMs !== undefined && (elapsed >= wallTimeMs || elapsed + durationMs > wallTimeMs)) {
    const [used, requested] = [elapsed, durationMs];
    return { budget: 'wallTimeMs', limit: wallTimeMs, used, requested };
  }
  return excessIn(budget, { spending: state.spending, budget: ledger }, estimate);
}

/** The same for the budget of its resource. */
export function excessAt(
  resource: string,
  { resources }: Budget,
  state: RunState,
  estimate: Estimate | undefined,
): Excess | 'wait' | undefined {
  const ledger = state.ledgers?.of(resource);
  const limits = resources?.[resource];
  if (ledger === undefined || limits === undefined) return undefined;
  const excess = excessIn(limits, ledger, estimate);
  return excess === undefined || excess === 'wait' ? excess : { ...excess, resource };
}

function excessIn(
  limits: ResourceBudget,
  ledger: ResourceLedger,
  estimate: Estimate | undefined,
): Excess | 'wait' | undefined {
  return (
    excessOfAmount('tokens', limits.tokens, ledger, estimate) ??
    excessOfAmount('costUsd', limits.costUsd, ledger, estimate)
  );
}

function excessOfAmount(
  spent: Spent,
  limit: number | undefined,
  { spending, budget: ledger }: ResourceLedger,
  estimate: Estimate | undefined,
): Excess | 'wait' | undefined {
  if (limit === undefined) return undefined;
  const used = spent === 'tokens' ? spending.totalTokens : spending.costUsd;
  const requested = ledger.expectedFor(spent, estimate);
  const excess = { budget: spent, limit, used, requested };
  if (used === null) return excess;
  if (ledger.mustMeasure(spent, estimate)) return 'wait';
  const reserved = ledger.reserved(spent);
  if (reserved === 0) return exceeds(used, requested, limit) ? excess : undefined;
  return exceeds(used, reserved + ledger.mostFor(spent, estimate), limit) ? 'wait' : undefined;
}

/** What may still be used, whatever is in flight; a limit that there is not is left out. */
export function remainingBudget(budget: Budget, state: RunState, now: number): Budget {
  const { tasks, wallTimeMs, resources } = budget;
  const perResource = Object.entries(resources ?? {}).map(([name, limits]) => {
    const { spending } = (state.ledgers as ResourceLedgers).of(name) as ResourceLedger;
    return [name, remainingAmounts(limits, spending)];
  });
  return {
    ...remainingAmounts(budget, state.spending),
    ...(tasks !== undefined && { tasks: left(tasks, (state.budget as BudgetLedger).tasks) }),
    ...(wallTimeMs !== undefined && { wallTimeMs: left(wallTimeMs, now - state.limitsSince) }),
    ...(resources !== undefined && { resources: Object.fromEntries(perResource) }),
  };
}

function remainingAmounts({ tokens, costUsd }: ResourceBudget, spending: Spending): ResourceBudget {
  const { totalTokens, costUsd: spent } = spending;
  return {
    ...(tokens !== undefined && { tokens: left(tokens, totalTokens) }),
    // Once a price is unknown, nothing is left that could be counted on.
    ...(costUsd !== undefined && { costUsd: left(costUsd, spent ?? costUsd) }),
  };
}

function left(limit: number, used: number): number {
  return Math.max(0, limit - used);
}

/** A budget that is used up allows nothing more, even what is expected to use nothing. */
function exceeds(used: number, more: number, limit: number): boolean {
  return used >= limit || used + more > limit;
}
