import {
  createExecutor,
  type PlanResult,
  type RunOptions,
  type StandardSchema,
  type StratagemError,
  type Strategy,
  type Task,
  type TaskRunner,
  type TaskType,
} from '@stratagem/core';
import type { PlannerSettings } from '../options/planner-options.js';
import { formatAnswerProblem } from '../read/answer-problem.js';
import { type PlanReading, readPlan, type Surroundings } from '../read/read-plan.js';
import { DecompositionError, type DecompositionErrorDetails } from './decomposition-error.js';
import { planSchema } from './plan-schema.js';
import { Dialogue, type RejectedAnswer } from './repair-loop.js';

/** The options of the run that makes a plan. */
export const PLANNING_RUN_OPTIONS = [
  'deadlineMs',
  'timeoutMs',
  'retry',
  'budget',
  'prices',
  'seed',
  'timeline',
  'signal',
  'onEvent',
] as const;

/** The limits of the run that makes a plan, and who listens to it. */
export type PlanningRunOptions = Pick<RunOptions, (typeof PLANNING_RUN_OPTIONS)[number]>;

/** Tasks that a model planned, and the run in which it did. */
export interface MadePlan extends PlanReading {
  readonly rejected: readonly RejectedAnswer[];
  readonly result: PlanResult;
}

export interface PlanRequest {
  readonly goal: string;
  readonly prompt: string;
  readonly runner: TaskRunner;
  readonly settings: PlannerSettings;
  readonly surroundings?: Surroundings;
  /** Reads an answer otherwise than as a plan alone, by a schema of its own. */
  readonly read?: (answer: unknown) => PlanReading;
  readonly schema?: Readonly<Record<string, unknown>>;
  /**
   * What the task tells its runner.
   * @default what there is to know of a whole plan, for models that are none
   */
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly run?: PlanningRunOptions;
}

/** The id of the task whose output is the plan. */
export const PLAN_TASK = 'plan';

/** There is one task, and it starts. */
const oneTask: Strategy = {
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

/** @throws {OptionError} when an option of the run that makes a plan cannot be used. */
export function checkPlanningRun(runner: TaskRunner, run: PlanningRunOptions): void {
  createExecutor({ strategy: oneTask, runner, ...run });
}

/**
 * Has a model make a plan: one task of a run of its own, whose output is the plan.
 *
 * @throws {DecompositionError} when there is no plan at the end of it.
 */
export async function makePlan(request: PlanRequest): Promise<MadePlan> {
  const { goal, runner, settings, surroundings, run = {} } = request;
  const read = request.read ?? ((answer) => readPlan(answer, settings, surroundings));
  const dialogue = new Dialogue(read, settings.repairAttempts);
  const executor = createExecutor({ strategy: oneTask, runner: dialogue.with(runner) });
  const result = await executor.execute({ goal, tasks: [planningTask(request)] }, run);
  const { accepted, rejected } = dialogue;
  if (result.status === 'completed' && accepted !== undefined) {
    return { ...accepted, rejected, result };
  }
  const [task] = result.tasks;
  const error = task?.error ?? result.error;
  throw noPlan(goal, error, { rejected, result });
}

/** That there is no plan, and why. */
export function noPlan(
  goal: string,
  cause: StratagemError | undefined,
  details: Omit<DecompositionErrorDetails, 'cause'> = {},
): DecompositionError {
  return new DecompositionError(
    cause?.code ?? 'plan_failed',
    `No plan could be made for ${JSON.stringify(shorten(goal))}: ${cause?.message}`,
    { cause, ...details },
  );
}

/** What a planning task tells its runner about the plan, for models that are none. */
export interface PlanningMetadata {
  readonly goal: string;
  readonly minSubtasks: number;
  readonly maxSubtasks: number;
  readonly maxTasks: number;
  readonly taskTypes: readonly TaskType[];
}

/** The task whose output is a plan. */
export function planningTask(request: Omit<PlanRequest, 'runner' | 'run'>): Task {
  const { goal, prompt, settings, surroundings, schema } = request;
  const { minSubtasks, maxSubtasks, maxTasks, taskTypes } = settings;
  const planning: PlanningMetadata = { goal, minSubtasks, maxSubtasks, maxTasks, taskTypes };
  return {
    id: PLAN_TASK,
    // All of it is text.
    description: prompt.replaceAll('{{', '\\{{'),
    outputSchema:
      schema === undefined ? outputSchema(settings, surroundings) : uncheckedSchema(schema),
    metadata: request.metadata ?? { planning },
  };
}

function outputSchema(settings: PlannerSettings, surroundings?: Surroundings): StandardSchema {
  return {
    '~standard': {
      version: 1,
      vendor: 'stratagem',
      validate(value) {
        const { tasks, problems } = readPlan(value, settings, surroundings);
        if (problems.length === 0) return { value: { tasks } };
        return { issues: [{ message: problems.map(formatAnswerProblem).join('; ') }] };
      },
      jsonSchema: { output: () => ({ ...planSchema(settings) }) },
    },
  };
}

/** Of an answer all of whose checks have been made when it is there. */
function uncheckedSchema(schema: Readonly<Record<string, unknown>>): StandardSchema {
  return {
    '~standard': {
      version: 1,
      vendor: 'stratagem',
      validate: (value) => ({ value }),
      jsonSchema: { output: () => ({ ...schema }) },
    },
  };
}

function shorten(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 80)}…`;
}
