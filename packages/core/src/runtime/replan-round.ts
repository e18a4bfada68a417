import type { Situation } from '../contract/replan.js';
import type { ReplanCommand } from '../kernel/command.js';

/** One round of re-planning in flight. */
export class ReplanRound {
  readonly situation: Situation;
  readonly deadline: number | undefined;
  readonly #controller = new AbortController();

  constructor({ situation, deadline }: ReplanCommand) {
    this.situation = situation;
    this.deadline = deadline;
  }

  /** 1 for the first round of the run. */
  get number(): number {
    return this.situation.round;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }
}
