import { OptionError } from '@stratagem/core';
import { checkOptions } from '@stratagem/core/runner';

/** A change of a limit during a run. */
export interface LimitChange {
  /** The time of the change, in virtual milliseconds from the start. */
  readonly atMs: number;
  /** The factor by which the limit is multiplied: 4 for four times as much, 0.25 for a quarter. */
  readonly factor: number;
}

/** The factor of a limit over time; 1 before the first change. */
export class LimitChanges {
  readonly #changes: readonly LimitChange[];

  /** @throws {OptionError} when a change is invalid. */
  constructor(owner: string, changes: readonly LimitChange[] = []) {
    for (const change of changes) {
      checkOptions(`${owner}: a change`, change, ['atMs', 'factor']);
      const { atMs, factor } = change;
      if (Number.isFinite(atMs) && atMs > 0 && Number.isFinite(factor) && factor > 0) continue;
      throw new OptionError(`${owner}: a change needs an atMs and a factor, both positive numbers`);
    }
    this.#changes = changes.toSorted((a, b) => a.atMs - b.atMs);
  }

  factorAt(now: number): number {
    return this.#changes.reduce((all, { atMs, factor }) => (atMs <= now ? all * factor : all), 1);
  }

  /** The time of the first change after `now`; `Infinity` when there is none. */
  nextAfter(now: number): number {
    return this.#changes.find(({ atMs }) => atMs > now)?.atMs ?? Number.POSITIVE_INFINITY;
  }
}
