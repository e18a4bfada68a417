import type { Budget } from './budget.js';
import type { GoalState } from './goal.js';
import type { RetryPolicy } from './retry.js';
import type { StandardSchema } from './schema.js';
import type { Task } from './task.js';

export declare const outputs: unique symbol;
export declare const inputs: unique symbol;

/**
 * A goal and the tasks that reach it: plain data, so any object literal of this shape will do.
 * `createPlan` writes one with types for every output.
 */
export interface Plan<Outputs = Record<string, unknown>, Inputs = unknown> extends PlanSettings {
  /** What the plan is for: for reports, and for models that judge or extend it. */
  readonly goal: string;
  /** At least one; dependencies may name later ones too. */
  readonly tasks: readonly Task[];
  /** Only a type: the output of each task by id. */
  readonly [outputs]?: Outputs;
  /** Only a type: the values that a run needs. */
  readonly [inputs]?: Inputs;
}

/** Settings of a whole plan. */
export interface PlanSettings {
  /** When the goal is reached. The run ends then, and fails if the goal is not reached at the end. */
  readonly goalState?: GoalState | undefined;
  /**
   * After how many completed tasks the goal is checked; it is always checked at the end.
   * @default 1
   */
  readonly goalCheckInterval?: number | undefined;
  /** How failed attempts are repeated, for tasks without their own `retry`. */
  readonly retry?: RetryPolicy | undefined;
  /** Timeout of one attempt in milliseconds, for tasks without their own `timeoutMs`. */
  readonly timeoutMs?: number | undefined;
  /** The same for `idleTimeoutMs`, for tasks without their own and without a `run` function. */
  readonly idleTimeoutMs?: number | undefined;
  /** Timeout of the whole run in milliseconds; the run fails then. */
  readonly deadlineMs?: number | undefined;
  /** Limits of what the run may use. */
  readonly budget?: Budget | undefined;
  /**
   * The inputs of the plan: a schema of an object, such as `z.object({ company: z.string() })`. Each run
   * gets values for them. Prompts, conditions and fan-outs refer to `inputs.company`, and functions get
   * them as `inputs`.
   */
  readonly inputs?: StandardSchema | undefined;
  /**
   * The results that the plan is for: names, and where the values come from. `'report.summary'` is the
   * output of a task or a part of it; a text with `{{references}}` is filled in. A list of task ids names
   * their outputs.
   * @default the outputs of the tasks that no other task depends on
   */
  readonly outputs?: PlanOutputs | undefined;
  /** Your own data; never interpreted. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** The results of a plan: where the value of each name comes from, or ids of tasks. */
export type PlanOutputs = Readonly<Record<string, string>> | readonly string[];

/** The output types of a plan by task id. */
export type OutputsOf<P extends Plan<unknown>> = P extends Plan<infer Outputs> ? Outputs : never;

/** The fields of a plan besides its goal and its tasks. */
export const PLAN_SETTINGS = [
  'goalState',
  'goalCheckInterval',
  'retry',
  'timeoutMs',
  'idleTimeoutMs',
  'deadlineMs',
  'budget',
  'inputs',
  'outputs',
  'metadata',
];
