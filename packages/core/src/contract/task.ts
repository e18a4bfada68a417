import type { Condition } from './condition.js';
import type { ForEach } from './for-each.js';
import type { RetryPolicy } from './retry.js';
import type { RunContext } from './run-context.js';
import type { StandardSchema } from './schema.js';
import type { Tool } from './tool.js';
import type { WaitFor } from './wait-for.js';

/** What a task is for. A label for strategies and reports; `action` when nothing is said. */
export type TaskType = 'action' | 'decision' | 'observation' | 'aggregate';

export const TASK_TYPES: readonly TaskType[] = ['action', 'decision', 'observation', 'aggregate'];

/** What one attempt at a task is expected to take: used to order tasks and to keep budgets. */
export interface Estimate {
  /** Expected duration in milliseconds. */
  readonly durationMs?: number;
  /** Expected tokens, read and written together. */
  readonly tokens?: number;
  /** Expected cost in US dollars. */
  readonly costUsd?: number;
}

/**
 * A task written in code. Receives the outputs of the task's dependencies by id, and returns the
 * task's output, directly or as a promise.
 */
export type TaskFunction<Inputs = Readonly<Record<string, unknown>>, Output = unknown> = (
  inputs: Inputs,
  context: RunContext,
) => Output | PromiseLike<Output>;

/** One node of a plan: a prompt for a model, a function, a question to a human, or a group. */
export interface Task {
  /** Unique within the plan; any non-empty string. */
  readonly id: string;
  /**
   * The prompt. `{{research}}` and `{{research.companies[0].name}}` stand for the output of a
   * dependency or a part of it; without any such reference, the outputs of all dependencies are
   * appended. `\{{` is a brace that is text.
   */
  readonly description?: string;
  /** Makes the prompt in code, from the outputs of the dependencies; nothing is appended to it. */
  // biome-ignore lint/suspicious/noExplicitAny: the builder types each function; here any input fits
  readonly prompt?: (inputs: any) => string;
  /** @default 'action' */
  readonly type?: TaskType;
  /** Ids of the tasks that must be done first; their outputs are handed to this one. */
  readonly dependencies?: readonly string[];
  /**
   * What the output must look like, in any Standard Schema library (zod, valibot, arktype, …). An
   * output that does not fit makes the attempt fail with `invalid_output`.
   */
  readonly outputSchema?: StandardSchema;
  /**
   * What the model may call while it works on this task: tools, or the names of those that the
   * executor was given.
   */
  readonly tools?: readonly (Tool | string)[];
  /**
   * Run this task only if the condition holds for the outputs of its dependencies; otherwise it is
   * skipped as "not chosen". What depends on it still runs, unless all that it depends on was not
   * chosen.
   */
  // biome-ignore lint/suspicious/noExplicitAny: the builder types each function; here any input fits
  readonly when?: Condition | ((inputs: any) => boolean);
  /**
   * Do this task once for each element of a list, each with an id of its own (`id[0]`, `id[1]`, …)
   * and the element as `item`. The output is what became of each, in the order of the list.
   */
  readonly forEach?: ForEach;
  /**
   * Tasks that belong to this one: they start when its dependencies are done, in the order of
   * their own dependencies, and it is complete when they are. Its output is theirs by id; with a
   * `run`, or as an `aggregate` with a prompt, it is then done itself, with their outputs.
   */
  readonly subtasks?: readonly Task[];
  /** How failed attempts are repeated. */
  readonly retry?: RetryPolicy;
  /** The longest one attempt may take, in milliseconds; then it is aborted and has failed. */
  readonly timeoutMs?: number;
  /**
   * Makes this a human step: the description is the question, and the output is what was answered
   * through the run's handle.
   */
  readonly waitFor?: WaitFor;
  /**
   * Among tasks that are equally urgent, the higher number goes first.
   * @default 0
   */
  readonly priority?: number;
  readonly estimate?: Estimate;
  /** Yours; handed to the runner, never interpreted. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Makes this a function task, which does not go to the runner. Not part of a plan's JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: the builder types each function; here any input fits
  readonly run?: (inputs: any, context: RunContext) => unknown;
}

/** An empty list is none. */
export function hasSubtasks({ subtasks }: Task): boolean {
  return subtasks !== undefined && subtasks.length > 0;
}

/** Whether a task is done itself, and not only by its subtasks. */
export function doesOwnWork(task: Task): boolean {
  if (!hasSubtasks(task) || task.run !== undefined) return true;
  const { type, description, prompt } = task;
  return type === 'aggregate' && (description !== undefined || prompt !== undefined);
}

/** Whether attempts at a task go to the runner. */
function needsRunner(task: Task): boolean {
  return task.run === undefined && task.waitFor === undefined && doesOwnWork(task);
}

/** The first task, among these and their subtasks, whose attempts go to the runner. */
export function firstForRunner(tasks: readonly Task[]): Task | undefined {
  for (const task of tasks) {
    if (needsRunner(task)) return task;
    const inner = hasSubtasks(task) ? firstForRunner(task.subtasks ?? []) : undefined;
    if (inner !== undefined) return inner;
  }
  return undefined;
}

/** What an attempt is expected to use. A function uses no tokens unless it says so. */
export function expectationOf({ estimate, run }: Task): Estimate | undefined {
  return run === undefined ? estimate : { tokens: 0, costUsd: 0, ...estimate };
}
