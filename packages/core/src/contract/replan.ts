import { checkLimit, checkOptions } from './check-options.js';
import { OptionError, type TaskError } from './errors.js';
import type { GoalProgress } from './goal.js';
import type { PlanProblem } from './plan-error.js';
import type { TaskOutput } from './runner.js';
import type { Task } from './task.js';

/** Why a plan is revised: something failed for good, or all is done and the goal is not reached. */
export type ReplanReason = 'tasks_failed' | 'goal_not_achieved';

/** How far a run may revise its own plan. */
export interface ReplanLimits {
  /**
   * How often, at most.
   * @default 3
   */
  readonly maxRounds?: number;
  /**
   * How many tasks all rounds together may add, subtasks included.
   * @default 50
   */
  readonly maxTasks?: number;
}

/**
 * What to do when a plan would end without having done what it says: more tasks are asked for, and
 * the run goes on with them.
 *
 * @example
 * const replan = {
 *   maxRounds: 1,
 *   revise: ({ failed }) => failed.map(({ task }) => ({ ...task, id: `${task.id} by hand`, run })),
 * };
 */
export interface Replan extends ReplanLimits {
  /**
   * Says what else is to be done: new tasks, or nothing, and then the plan ends as it would have.
   * What it throws ends the plan as well, and is in the log.
   */
  revise(
    situation: Situation,
    context: ReplanContext,
  ): Revision | readonly Task[] | undefined | PromiseLike<Revision | readonly Task[] | undefined>;
}

/** Where a plan stands that would end now. */
export interface Situation {
  readonly goal: string;
  readonly reason: ReplanReason;
  /** 1 for the first round. */
  readonly round: number;
  /** What is done, and what it brought. */
  readonly completed: readonly { readonly task: Task; readonly output: unknown }[];
  /** What failed for good, and no earlier round has made up for. */
  readonly failed: readonly { readonly task: Task; readonly error: TaskError }[];
  /** What was not done because of those failures: tasks that waited for them, and their groups. */
  readonly dropped: readonly { readonly task: Task; readonly failedTaskId: string }[];
  /** How far the goal is reached; undefined for a plan without a `goalState`. */
  readonly goalProgress?: GoalProgress;
  readonly remaining: Remaining;
}

/** What is left of the limits of a run. A limit that there is not is left out. */
export interface Remaining {
  /** Rounds after this one. */
  readonly rounds: number;
  /** Tasks that may be added. */
  readonly tasks: number;
  readonly tokens?: number;
  readonly costUsd?: number;
  readonly timeMs?: number;
}

/** What surrounds a round of re-planning. */
export interface ReplanContext {
  /** Aborted when the run ends before the answer is there; its `reason` says why. */
  readonly signal: AbortSignal;
  /** When the run must be over, as Unix time in milliseconds; undefined without a limit. */
  readonly deadline: number | undefined;
  /**
   * Everything that is wrong with a revision, so that a model can be asked to mend it; empty when
   * it can be taken. A revision with problems makes the round fail.
   */
  readonly check: (revision: Revision | readonly Task[]) => readonly PlanProblem[];
}

/** The answer of a round: what else is to be done, and what finding it out has cost. */
export interface Revision extends Omit<TaskOutput, 'output' | 'rateLimits'> {
  /**
   * They may depend on each other and on what is completed. Without any, the plan ends as it would
   * have.
   */
  readonly tasks: readonly Task[];
  /**
   * Ids of the failed tasks that the new ones make up for, together with what was dropped because
   * of them. These failures no longer make the plan fail; the others do, however this goes on.
   * @default all of `failed`
   */
  readonly replaces?: readonly string[];
}

const DEFAULT_MAX_ROUNDS = 3;
const DEFAULT_MAX_TASKS = 50;

export function replanLimits({ maxRounds, maxTasks }: ReplanLimits): Required<ReplanLimits> {
  return {
    maxRounds: maxRounds ?? DEFAULT_MAX_ROUNDS,
    maxTasks: maxTasks ?? DEFAULT_MAX_TASKS,
  };
}

/** @throws {OptionError} unless it is a `Replan`. */
export function checkReplan(owner: string, replan: ReplanLimits & { revise: unknown }): void {
  const name = `${owner}: replan`;
  checkOptions(name, replan, ['revise', 'maxRounds', 'maxTasks']);
  const { revise, maxRounds, maxTasks } = replan;
  if (typeof revise !== 'function') {
    throw new OptionError(`${name} needs a function revise(), such as that of replanner()`);
  }
  if (maxRounds !== undefined) checkLimit(name, 'maxRounds', maxRounds);
  if (maxTasks !== undefined) checkLimit(name, 'maxTasks', maxTasks);
}
