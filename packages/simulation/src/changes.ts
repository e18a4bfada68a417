import { checkOptions, OptionError } from '@stratagem/core';

/** A limit that changes while a run goes on. */
export interface Change {
  /** When, in virtual milliseconds from the start. */
  readonly atMs: number;
  /** What the limit is multiplied with from then on; 4 for four times as much, 0.25 for a quarter. */
  readonly factor: number;
}

/** How a limit goes over time; 1 before the first change. */
export class Changes {
  readonly #changes: readonly Change[];

  /** @throws {OptionError} when a change is none. */
  constructor(owner: string, changes: readonly Change[] = []) {
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

  /** The first change after that time; `Infinity` when there is none. */
  nextAfter(now: number): number {
    return this.#changes.find(({ atMs }) => atMs > now)?.atMs ?? Number.POSITIVE_INFINITY;
  }
}
