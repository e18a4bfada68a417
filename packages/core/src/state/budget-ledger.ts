import type { Estimate } from '../contract/task.js';
import type { Spending, Spent } from './spending.js';

/** What an attempt in flight is expected to use; undefined for an amount without an estimate. */
interface Reserve {
  readonly tokens: number | undefined;
  readonly costUsd: number | undefined;
}

/**
 * What a run with a budget has set aside for the attempts in flight, so that they cannot overrun the
 * budget together. An attempt without an estimate counts as much as the largest one so far: this changes
 * for attempts in flight as well, with each report.
 */
export class BudgetLedger {
  readonly #spending: Spending;
  readonly #reserves = new Map<number, Reserve>();
  /** Sums of the estimates of the attempts in flight. */
  readonly #estimated = { tokens: 0, costUsd: 0 };
  /** How many attempts in flight have no estimate. */
  readonly #unestimated = { tokens: 0, costUsd: 0 };
  /** Whether an attempt without an estimate has completed, with or without a report. */
  #isMeasured = false;
  /** Tasks that have been started. */
  tasks = 0;

  constructor(spending: Spending) {
    this.#spending = spending;
  }

  /** What the attempts in flight may use. */
  reserved(spent: Spent): number {
    return this.#estimated[spent] + this.#unestimated[spent] * this.#spending.largest[spent];
  }

  /** What a start may use: as much as the largest attempt so far. */
  mostFor(spent: Spent, estimate: Estimate | undefined): number {
    return estimate?.[spent] ?? this.#spending.largest[spent];
  }

  /** What a start is expected to use: as much as the average of the attempts so far. */
  expectedFor(spent: Spent, estimate: Estimate | undefined): number {
    return estimate?.[spent] ?? this.#spending.averageOf(spent);
  }

  /**
   * Whether a start has to wait until attempts in flight have ended, because nothing at all is known of
   * what it, or one of them, will use.
   */
  mustMeasure(spent: Spent, estimate: Estimate | undefined): boolean {
    if (this.#isMeasured || this.#spending.reports > 0 || estimate?.[spent] === 0) return false;
    const isUnknown = estimate?.[spent] === undefined;
    return this.#unestimated[spent] > 0 || (isUnknown && this.#estimated[spent] > 0);
  }

  /** @param isFirst Whether it is the first attempt at its task. */
  reserve(index: number, estimate: Estimate | undefined, isFirst: boolean): void {
    // An attempt that is started again after a crash has its reserve already.
    this.release(index, false);
    const reserve = { tokens: estimate?.tokens, costUsd: estimate?.costUsd };
    this.#reserves.set(index, reserve);
    this.#count(reserve, 1);
    if (isFirst) this.tasks++;
  }

  /**
   * The attempt has ended, and the spending has what it used.
   *
   * @param isMeasure Whether it completed, so that others may be expected to use as much.
   */
  release(index: number, isMeasure: boolean): void {
    const reserve = this.#reserves.get(index);
    if (reserve === undefined) return;
    this.#reserves.delete(index);
    this.#count(reserve, -1);
    const isUnestimated = reserve.tokens === undefined || reserve.costUsd === undefined;
    if (isMeasure && isUnestimated) this.#isMeasured = true;
    // Sums of fractions drift; with nothing in flight, nothing is reserved.
    if (this.#reserves.size === 0) this.#estimated.tokens = this.#estimated.costUsd = 0;
  }

  #count(reserve: Reserve, sign: 1 | -1): void {
    for (const spent of ['tokens', 'costUsd'] as const) {
      const estimate = reserve[spent];
      if (estimate === undefined) this.#unestimated[spent] += sign;
      else this.#estimated[spent] += sign * estimate;
    }
  }

  /** What it keeps to itself, for tests that compare two states. */
  get internals(): Readonly<Record<string, unknown>> {
    const reserves = new Map(this.#reserves);
    const sums = { estimated: { ...this.#estimated }, unestimated: { ...this.#unestimated } };
    return { reserves, ...sums, isMeasured: this.#isMeasured };
  }
}
