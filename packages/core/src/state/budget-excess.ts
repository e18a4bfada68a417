import type { BudgetKind } from '../contract/event.js';

/** A start that the budget does not allow. */
export interface Excess {
  readonly budget: BudgetKind;
  readonly limit: number;
  /** What has been used; null for a cost that is unknown. */
  readonly used: number | null;
  /** What the start would have added. */
  readonly requested: number;
}

/** Why a run was stopped, in words. */
export function explainExcess(excess: Excess, taskId: string): string {
  const { budget, limit, used, requested } = excess;
  const stopped = `The run was stopped before task "${taskId}": its budget`;
  if (used === null) {
    const why = 'tokens were used whose price is unknown; give their model a price in `prices`';
    return `${stopped} for ${budget} cannot be kept, because ${why}`;
  }
  const more = requested > 0 ? `, and the task was expected to add ${round(requested)}` : '';
  return `${stopped} of ${limit} for ${budget} has ${round(used)} used${more}`;
}

function round(figure: number): number {
  return Number(figure.toPrecision(6));
}
