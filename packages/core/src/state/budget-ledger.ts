import type { Estimate } from '../contract/task.js';
import type { Spending } from './spending.js';

/** Tokens and cost that a start sets aside until its attempt has ended. */
export interface Reserve {
  readonly tokens: number;
  readonly costUsd: number;
}

/**
 * What a run with a budget has set aside. Each start reserves what it is expected to use and gives
 * that back when its attempt ends, so that attempts in flight cannot overrun the budget together. A
 * task without an estimate counts as the average of the attempts so far.
 */
export class BudgetLedger {
  readonly #spending: Spending;
  readonly #reserves = new Map<number, Reserve>();
  /** Tokens that the attempts in flight are expected to use. */
  tokens = 0;
  /** The same for US dollars. */
  costUsd = 0;
  /** Tasks that have been started. */
  tasks = 0;

  constructor(spending: Spending) {
    this.#spending = spending;
  }

  /** What a start would reserve. */
  reserveFor(estimate: Estimate | undefined): Reserve {
    const { reports, totalTokens, costUsd } = this.#spending;
    return {
      tokens: estimate?.tokens ?? (reports === 0 ? 0 : totalTokens / reports),
      costUsd: estimate?.costUsd ?? (reports === 0 ? 0 : (costUsd ?? 0) / reports),
    };
  }

  /** @param isFirst Whether it is the first attempt at its task. */
  reserve(index: number, estimate: Estimate | undefined, isFirst: boolean): void {
    // An attempt that is started again after a crash has its reserve already.
    this.release(index);
    const reserve = this.reserveFor(estimate);
    this.#reserves.set(index, reserve);
    this.tokens += reserve.tokens;
    this.costUsd += reserve.costUsd;
    if (isFirst) this.tasks++;
  }

  /** The attempt has ended, and the spending has what it used. */
  release(index: number): void {
    const reserve = this.#reserves.get(index);
    if (reserve === undefined) return;
    this.#reserves.delete(index);
    this.tokens -= reserve.tokens;
    this.costUsd -= reserve.costUsd;
    // Sums of fractions drift; with nothing in flight, nothing is reserved.
    if (this.#reserves.size === 0) this.tokens = this.costUsd = 0;
  }
}
