import type { BudgetKind } from '../contract/event.js';
import type { Estimate } from '../contract/task.js';
import type { Spending } from '../state/spending.js';

/**
 * What a plan may use at most. Before a start that would exceed it, the run stops: attempts in
 * flight go on to their end, and nothing more starts, not even another attempt.
 */
export interface Budget {
  /** Tokens, read and written together. */
  readonly tokens?: number;
  /** US dollars. Needs prices: once a price is unknown, the budget cannot be kept and the run stops. */
  readonly costUsd?: number;
  /** Tasks that are started, however many attempts each takes. */
  readonly tasks?: number;
  /**
   * Milliseconds from the start of the run: nothing starts that is expected to end later. What
   * runs goes on to its end; see `deadlineMs` for what aborts it.
   */
  readonly wallTimeMs?: number;
}

export const BUDGET_FIELDS = ['tokens', 'costUsd', 'tasks', 'wallTimeMs'] as const;

/** Of two budgets, the lower limit each. */
export function eitherBudget(a: Budget | undefined, b: Budget | undefined): Budget | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const lower: { -readonly [K in keyof Budget]: Budget[K] } = { ...a };
  for (const field of BUDGET_FIELDS) {
    const limit = b[field];
    if (limit !== undefined) lower[field] = Math.min(limit, a[field] ?? limit);
  }
  return lower;
}

/** A start that the budget does not allow. */
export interface Excess {
  readonly budget: BudgetKind;
  readonly limit: number;
  /** What has been used; null for a cost that is unknown. */
  readonly used: number | null;
  /** What the attempts in flight are expected to use. */
  readonly reserved: number;
  /** What the start would have added. */
  readonly requested: number;
}

/** What a start sets aside until its attempt has ended. */
interface Reserve {
  readonly tokens: number;
  readonly costUsd: number;
}

/**
 * Keeps a run within its budget. Each start reserves what it is expected to use and gives that
 * back when its attempt ends and the real figure is known, so that attempts in flight cannot
 * overrun together. A task without an estimate counts as the average of the attempts so far.
 */
export class BudgetKeeper {
  readonly #budget: Budget;
  readonly #spending: Spending;
  readonly #reserves = new Map<number, Reserve>();
  #tokens = 0;
  #cost = 0;
  #tasks = 0;
  #startedAt = 0;

  constructor(budget: Budget, spending: Spending) {
    this.#budget = budget;
    this.#spending = spending;
  }

  start(now: number): void {
    this.#startedAt = now;
  }

  /**
   * Whether a start fits: undefined when it does, otherwise what it would exceed. An excess with
   * something `reserved` may pass when an attempt turns out to use less.
   */
  excess(estimate: Estimate | undefined, isFirst: boolean, now: number): Excess | undefined {
    const { tokens, costUsd, tasks, wallTimeMs } = this.#budget;
    if (tasks !== undefined && isFirst && this.#tasks + 1 > tasks) {
      return { budget: 'tasks', limit: tasks, used: this.#tasks, reserved: 0, requested: 1 };
    }
    const elapsed = now - this.#startedAt;
    const durationMs = estimate?.durationMs ?? 0;
    if (wallTimeMs !== undefined && (elapsed >= wallTimeMs || elapsed + durationMs > wallTimeMs)) {
      const [used, requested] = [elapsed, durationMs];
      return { budget: 'wallTimeMs', limit: wallTimeMs, used, reserved: 0, requested };
    }
    const reserve = this.#reserveFor(estimate);
    if (tokens !== undefined) {
      const [used, reserved, requested] = [
        this.#spending.totalTokens,
        this.#tokens,
        reserve.tokens,
      ];
      if (exceeds(used, reserved, requested, tokens)) {
        return { budget: 'tokens', limit: tokens, used, reserved, requested };
      }
    }
    if (costUsd !== undefined) {
      const [used, reserved, requested] = [this.#spending.costUsd, this.#cost, reserve.costUsd];
      if (used === null) {
        return { budget: 'costUsd', limit: costUsd, used, reserved: 0, requested };
      }
      if (exceeds(used, reserved, requested, costUsd)) {
        return { budget: 'costUsd', limit: costUsd, used, reserved, requested };
      }
    }
    return undefined;
  }

  reserve(index: number, estimate: Estimate | undefined, isFirst: boolean): void {
    const reserve = this.#reserveFor(estimate);
    this.#reserves.set(index, reserve);
    this.#tokens += reserve.tokens;
    this.#cost += reserve.costUsd;
    if (isFirst) this.#tasks++;
  }

  /** What may still be used, whatever is in flight; no more than the limits there are. */
  remaining(now: number): Budget {
    const { tokens, costUsd, tasks, wallTimeMs } = this.#budget;
    const { totalTokens, costUsd: spent } = this.#spending;
    const left = (limit: number, used: number) => Math.max(0, limit - used);
    return {
      ...(tokens !== undefined && { tokens: left(tokens, totalTokens) }),
      // Once a price is unknown, nothing is left that could be counted on.
      ...(costUsd !== undefined && { costUsd: left(costUsd, spent ?? costUsd) }),
      ...(tasks !== undefined && { tasks: left(tasks, this.#tasks) }),
      ...(wallTimeMs !== undefined && { wallTimeMs: left(wallTimeMs, now - this.#startedAt) }),
    };
  }

  /** The attempt has ended, and what it used is in the spending. */
  release(index: number): void {
    const reserve = this.#reserves.get(index);
    if (reserve === undefined) return;
    this.#reserves.delete(index);
    this.#tokens -= reserve.tokens;
    this.#cost -= reserve.costUsd;
    // Sums of fractions drift; nothing in flight is nothing reserved.
    if (this.#reserves.size === 0) this.#tokens = this.#cost = 0;
  }

  #reserveFor(estimate: Estimate | undefined): Reserve {
    const { reports, totalTokens, costUsd } = this.#spending;
    return {
      tokens: estimate?.tokens ?? (reports === 0 ? 0 : totalTokens / reports),
      costUsd: estimate?.costUsd ?? (reports === 0 ? 0 : (costUsd ?? 0) / reports),
    };
  }
}

/** A budget that is used up allows nothing more, even what is expected to use nothing. */
function exceeds(used: number, reserved: number, requested: number, limit: number): boolean {
  return used >= limit || used + reserved + requested > limit;
}

/** Why a run was stopped, in words. */
export function explainExcess(excess: Excess, taskId: string): string {
  const { budget, limit, used, requested } = excess;
  const stopped = `The plan was stopped before task "${taskId}": its budget`;
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
