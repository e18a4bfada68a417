import type { Budget } from './budget.js';
import { checkLimit, checkOptions } from './check-options.js';
import { OptionError, type TaskError } from './errors.js';
import type { GoalProgress } from './goal.js';
import type { PlanProblem } from './plan-error.js';
import type { TaskOutput } from './runner.js';
import type { Task } from './task.js';

/** Why a plan is revised: tasks failed, or all tasks are done and the goal is not reached. */
export type ReplanReason = 'tasks_failed' | 'goal_not_achieved';

/** Limits of re-planning. */
export interface ReplanLimits {
  /**
   * The maximum number of rounds.
   * @default 3
   */
  readonly maxRounds?: number | undefined;
  /**
   * The maximum number of tasks that all rounds together add, subtasks included.
   * @default 50
   */
  readonly maxTasks?: number | undefined;
}

/**
 * Revises a plan that would end with failures or without its goal: it asks for more tasks, and the
 * run continues with them.
 *
 * @example
 * const replan = {
 *   maxRounds: 1,
 *   revise: ({ failed }) => failed.map(({ task }) => ({ ...task, id: `${task.id} by hand`, run })),
 * };
 */
export interface Replan extends ReplanLimits {
  /**
   * Returns new tasks. The plan ends when it returns none, and also when it throws; the error is in
   * the log then.
   */
  revise(
    situation: Situation,
    context: ReplanContext,
  ): Revision | readonly Task[] | undefined | PromiseLike<Revision | readonly Task[] | undefined>;
}

/** The state of a plan that would end now. */
export interface Situation {
  readonly goal: string;
  readonly reason: ReplanReason;
  /** 1 for the first round. */
  readonly round: number;
  /** Completed tasks with their outputs. */
  readonly completed: readonly { readonly task: Task; readonly output: unknown }[];
  /** Failed tasks that no earlier round has replaced. */
  readonly failed: readonly { readonly task: Task; readonly error: TaskError }[];
  /** Tasks that were dropped because of those failures: their dependents and groups. */
  readonly dropped: readonly { readonly task: Task; readonly failedTaskId: string }[];
  /** The progress towards the goal; undefined for a plan without a `goalState`. */
  readonly goalProgress?: GoalProgress | undefined;
  readonly remaining: Remaining;
}

/** How much is left of the limits of a run. A limit that is not set is left out. */
export interface Remaining {
  /** Rounds after this one. */
  readonly rounds: number;
  /** Tasks that may be added. */
  readonly tasks: number;
  readonly tokens?: number | undefined;
  readonly costUsd?: number | undefined;
  readonly timeMs?: number | undefined;
  /** For each resource with a budget of its own. */
  readonly resources?: Budget['resources'];
}

/** The context of a round of re-planning. */
export interface ReplanContext {
  /** Aborted when the run ends before the round does; its `reason` is the cause. */
  readonly signal: AbortSignal;
  /** What is left of `remaining.timeMs` when it is read; undefined without a limit. */
  readonly remainingMs: number | undefined;
  /**
   * Lists the problems of a revision, so that a model can repair it. A revision with problems makes
   * the round fail.
   */
  readonly check: (revision: Revision | readonly Task[]) => readonly PlanProblem[];
}

/** The result of a round: new tasks, and the cost of planning them. */
export interface Revision extends Omit<TaskOutput, 'output' | 'rateLimits'> {
  /**
   * They may depend on each other and on completed tasks. The plan ends when there are none.
   */
  readonly tasks: readonly Task[];
  /**
   * Ids of the failed tasks that the new ones replace, together with the tasks that were dropped
   * because of them. The plan can still complete despite these failures, but not despite others.
   * @default all of `failed`
   */
  readonly replaces?: readonly string[] | undefined;
}

const DEFAULT_MAX_ROUNDS = 3;
const DEFAULT_MAX_TASKS = 50;

export function replanLimits({ maxRounds, maxTasks }: ReplanLimits): {
  readonly maxRounds: number;
  readonly maxTasks: number;
} {
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
