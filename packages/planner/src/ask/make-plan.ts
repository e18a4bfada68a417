import {
  createExecutor,
  type PlanResult,
  type RunOptions,
  type StratagemError,
  type Strategy,
  type TaskRunner,
} from '@stratagem/core';
import { type PlanReading, readPlan } from '../read/read-plan.js';
import { truncate } from '../util/text.js';
import { DecompositionError, type DecompositionErrorDetails } from './decomposition-error.js';
import { type PlanningTaskOptions, planningTask } from './planning-task.js';
import { type RejectedAnswer, RepairLoop } from './repair-loop.js';

/** The options of a planning run. */
export const PLANNING_RUN_OPTIONS = [
  'deadlineMs',
  'timeoutMs',
  'idleTimeoutMs',
  'retry',
  'budget',
  'prices',
  'seed',
  'timeline',
  'signal',
  'onEvent',
] as const;

/** The limits and listeners of a planning run. */
export type PlanningRunOptions = Pick<RunOptions, (typeof PLANNING_RUN_OPTIONS)[number]>;

/** The planned tasks, and the run that planned them. */
export interface PlannedTasks extends PlanReading {
  readonly rejectedAnswers: readonly RejectedAnswer[];
  readonly result: PlanResult;
}

export interface MakePlanOptions extends PlanningTaskOptions {
  readonly runner: TaskRunner;
  /**
   * Reads an answer.
   * @default as a whole plan
   */
  readonly read?: ((answer: unknown) => PlanReading) | undefined;
  readonly run?: PlanningRunOptions | undefined;
}

/** Starts the only task of a planning run. */
const singleTask: Strategy = {
  name: 'planner',
  begin() {
    let waiting: Parameters<ReturnType<Strategy['begin']>['ready']>[0] | undefined;
    return {
      ready(task) {
        waiting = task;
      },
      next() {
        const task = waiting;
        waiting = undefined;
        return task;
      },
    };
  },
};

/** @throws {OptionError} when an option of a planning run is invalid. */
export function checkPlanningRun(runner: TaskRunner, run: PlanningRunOptions): void {
  createExecutor({ strategy: singleTask, runner, ...run });
}

/**
 * Lets a model make a plan, in a run whose only task has the plan as its output.
 *
 * @throws {DecompositionError} when the run ends without a plan.
 */
export async function makePlan(options: MakePlanOptions): Promise<PlannedTasks> {
  const { goal, runner, settings, run = {} } = options;
  const read = options.read ?? ((answer) => readPlan(answer, settings));
  const repairLoop = new RepairLoop(read, settings.repairAttempts);
  const executor = createExecutor({ strategy: singleTask, runner: repairLoop.wrap(runner) });
  const result = await executor.execute({ goal, tasks: [planningTask(options)] }, run);
  const { accepted, rejectedAnswers } = repairLoop;
  if (result.status === 'completed' && accepted !== undefined) {
    return { ...accepted, rejectedAnswers, result };
  }
  const [task] = result.tasks;
  const error = task?.error ?? result.error;
  throw noPlanError(goal, error, { rejectedAnswers, result });
}

export function noPlanError(
  goal: string,
  cause: StratagemError | undefined,
  details: Omit<DecompositionErrorDetails, 'cause'> = {},
): DecompositionError {
  return new DecompositionError(
    cause?.code ?? 'run_failed',
    `No plan could be made for ${JSON.stringify(truncate(goal, 80))}: ${cause?.message}`,
    { cause, ...details },
  );
}
