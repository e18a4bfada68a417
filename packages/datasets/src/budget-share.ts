import type { Budget, Metrics } from '@stratagem/core';
import { StratagemError } from '@stratagem/core';

/** Shares out the budget of a map among its runs, which come one after the other. */
export class BudgetShare {
  readonly #limits: Budget;
  readonly #spent = new Map<string, Pick<Metrics, 'usage' | 'costUsd'>>();

  constructor(...budgets: readonly (Budget | undefined)[]) {
    const limits: { tokens?: number; costUsd?: number } = {};
    for (const budget of budgets) {
      for (const kind of ['tokens', 'costUsd'] as const) {
        const limit = budget?.[kind];
        if (limit !== undefined) limits[kind] = Math.min(limit, limits[kind] ?? limit);
      }
    }
    this.#limits = limits;
  }

  get isLimited(): boolean {
    return Object.keys(this.#limits).length > 0;
  }

  spend(runId: string, result: { readonly metrics: Metrics }): void {
    // Metrics take time in proportion to the run.
    if (!this.isLimited) return;
    const { usage, costUsd } = result.metrics;
    this.#spent.set(runId, { usage, costUsd });
  }

  /**
   * What the next run may use, as an option for it. The limit of a resumed run includes what it has used.
   *
   * @throws {StratagemError} `budget_exceeded` when nothing is left.
   */
  left(resumed?: string): { readonly budget?: Budget } {
    if (!this.isLimited) return {};
    let tokens = 0;
    let costUsd: number | null = 0;
    for (const [runId, spent] of this.#spent) {
      if (runId === resumed) continue;
      tokens += spent.usage.inputTokens + spent.usage.outputTokens;
      costUsd = costUsd === null || spent.costUsd === null ? null : costUsd + spent.costUsd;
    }
    return {
      budget: {
        ...remaining('tokens', this.#limits.tokens, tokens),
        ...remaining('costUsd', this.#limits.costUsd, costUsd),
      },
    };
  }
}

function remaining(
  kind: 'tokens' | 'costUsd',
  limit: number | undefined,
  spent: number | null,
): Budget {
  if (limit === undefined) return {};
  if (spent === null) {
    const message =
      'the budget in US dollars cannot be kept, because a price is unknown: set prices';
    throw new StratagemError('budget_exceeded', message);
  }
  if (spent < limit) return { [kind]: limit - spent };
  const shown = kind === 'costUsd' ? `$${limit}` : `${limit} tokens`;
  throw new StratagemError('budget_exceeded', `the budget of ${shown} for the whole map is used`);
}
