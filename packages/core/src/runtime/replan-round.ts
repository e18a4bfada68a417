import { isStratagemError } from '../contract/errors.js';
import { PlanError, type PlanProblem } from '../contract/plan-error.js';
import type { Replan, ReplanContext, Revision } from '../contract/replan.js';
import type { Task } from '../contract/task.js';
import type { ReplanCommand } from '../kernel/replan.js';
import { readRevision, withUsage } from '../kernel/revision.js';

/** One round of re-planning in flight; also the context of its planner. */
export class ReplanRound implements ReplanContext {
  readonly deadline: number | undefined;
  /** 1 for the first round of the run. */
  readonly number: number;
  readonly #situation: ReplanCommand['situation'];
  readonly #controller = new AbortController();
  readonly #require: (revision: Revision) => void;

  /** @param require Throws when a revision cannot be applied to the current run. */
  constructor({ situation, deadline }: ReplanCommand, require: (revision: Revision) => void) {
    this.#situation = situation;
    this.deadline = deadline;
    this.number = situation.round;
    this.#require = require;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  readonly check = (answer: Revision | readonly Task[]): readonly PlanProblem[] => {
    try {
      this.#require(readRevision(answer));
      return [];
    } catch (error) {
      if (error instanceof PlanError) return error.problems;
      if (!isStratagemError(error)) throw error;
      return [{ code: 'invalid_value', path: [], message: error.message }];
    }
  };

  async ask(planner: Pick<Replan, 'revise'>): Promise<Revision> {
    const answer = await planner.revise(this.#situation, this);
    try {
      return readRevision(answer);
    } catch (thrown) {
      throw withUsage(thrown, answer);
    }
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }
}
