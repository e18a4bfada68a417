import { OptionError } from '../contract/errors.js';
import type { Plan } from '../contract/plan.js';
import type { InputValues } from '../contract/plan-inputs.js';
import type { Task } from '../contract/task.js';

/** What `resume` needs to know about a recorded run. */
export interface ResumeOptions {
  /**
   * The plan of the run. Required when tasks that are not complete have functions or schemas, which a
   * journal cannot store.
   * @default the recorded plan
   */
  readonly plan?: Plan<unknown> | undefined;
  /**
   * Accept a `plan` that differs from the recorded one. Completed tasks are kept when they and
   * everything they depend on are unchanged; all others run.
   * @default false
   */
  readonly acceptChanges?: boolean | undefined;
  /**
   * Re-run failed tasks, and tasks that were skipped or canceled because of them. Deadlines and time
   * budgets start again.
   * @default false
   */
  readonly retryFailed?: boolean | undefined;
  /**
   * Values of secret inputs, which no journal has, and of inputs that the recorded plan lacks. Environment
   * variables fill in the others.
   */
  readonly inputs?: InputValues | undefined;
  /** The tasks with functions or schemas that were added while the run was under way. */
  readonly addedTasks?: readonly Task[] | undefined;
}

/** @throws {OptionError} */
export function checkResumeOptions({ plan, acceptChanges }: ResumeOptions): void {
  if (acceptChanges && plan === undefined) {
    throw new OptionError('resume(): acceptChanges requires the changed plan as `plan`');
  }
}

/** The seed of a run that was given none. */
export function randomSeed(): number {
  return Math.floor(Math.random() * 2 ** 32);
}
