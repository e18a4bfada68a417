import type { Situation } from '../contract/replan.js';
import type { ReplanCommand } from '../kernel/command.js';

/** One round of re-planning in flight. */
export class ReplanRound {
  readonly situation: Situation;
  readonly #controller = new AbortController();
  readonly #beganAt = performance.now();

  constructor({ situation }: ReplanCommand) {
    this.situation = situation;
  }

  /** 1 for the first round of the run. */
  get number(): number {
    return this.situation.round;
  }

  get remainingMs(): number | undefined {
    const { timeMs } = this.situation.remaining;
    return timeMs && Math.max(0, timeMs - (performance.now() - this.#beganAt));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }
}
