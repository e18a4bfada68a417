import type { RunContext } from './context.js';

/** What a task is for. A label for strategies and reports; `action` when nothing is said. */
export type TaskType = 'action' | 'decision' | 'observation' | 'aggregate';

export const TASK_TYPES: readonly TaskType[] = ['action', 'decision', 'observation', 'aggregate'];

/** What a task is expected to take. Used to order tasks; never to limit them. */
export interface Estimate {
  /** Expected duration of one attempt in milliseconds. */
  readonly durationMs?: number;
}

/**
 * A task written in code. Receives the outputs of the task's dependencies by id, and returns the
 * task's output, directly or as a promise.
 */
export type TaskFunction<Inputs = Readonly<Record<string, unknown>>, Output = unknown> = (
  inputs: Inputs,
  context: RunContext,
) => Output | PromiseLike<Output>;

/** One node of a plan: a prompt for a model, or a function. */
export interface Task {
  /** Unique within the plan; any non-empty string. */
  readonly id: string;
  /** The prompt. Required unless the task has its own `run`. */
  readonly description?: string;
  /** @default 'action' */
  readonly type?: TaskType;
  /** Ids of the tasks that must complete first; their outputs are handed to this one. */
  readonly dependencies?: readonly string[];
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
