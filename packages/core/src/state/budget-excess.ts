import type { BudgetKind } from '../contract/event.js';

/** A start that the budget does not allow. */
export interface Excess {
  readonly budget: BudgetKind;
  /** The resource whose budget it is; undefined for that of the whole run. */
  readonly resource?: string | undefined;
  readonly limit: number;
  /** What has been used; null for a cost that is unknown. */
  readonly used: number | null;
  /** What the start would have added. */
  readonly requested: number;
}

/** Why a run was stopped, in words. */
export function explainExcess(excess: Excess, taskId: string): string {
  const { budget, resource, limit, used, requested } = excess;
  const whose = resource === undefined ? 'its budget' : `the budget of resource "${resource}"`;
  const stopped = `The run was stopped before task "${taskId}": ${whose}`;
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
