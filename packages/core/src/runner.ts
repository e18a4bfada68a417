import type { RunContext } from './context.js';
import type { TaskType } from './task.js';
import type { Usage } from './usage.js';

/** What a runner is asked to do: one attempt at one task. */
export interface TaskRequest {
  readonly taskId: string;
  readonly type: TaskType;
  /**
   * The task's description with the outputs of its dependencies, and the schema that the answer
   * must fit: send this to the model.
   */
  readonly prompt: string;
  /** The task's description as it was written. */
  readonly description: string;
  /** The outputs of the dependencies by task id, as values. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** What the output must look like, as JSON Schema; undefined when anything will do. */
  readonly outputSchema?: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** What one attempt brought. */
export interface TaskOutput {
  readonly output: unknown;
  readonly usage?: Usage;
  /** What the attempt cost in US dollars; leave it out when the price is unknown. */
  readonly costUsd?: number;
  /** The model that answered, as the provider names it. */
  readonly model?: string;
  /** The provider's id of the request. */
  readonly requestId?: string;
}

/**
 * Does one attempt at one task. Every LLM backend sits behind this contract, and so may anything
 * else: a queue, another agent, a human.
 *
 * Reject with a `RunnerError` to say why an attempt failed; anything else thrown is reported as
 * `task_failed`. Stop when `context.signal` is aborted. Do not retry: the executor counts attempts.
 *
 * @example
 * const shout: TaskRunner = {
 *   name: 'shout',
 *   run: async (request) => ({ output: request.prompt.toUpperCase() }),
 * };
 */
export interface TaskRunner {
  readonly name: string;
  /**
   * What attempts compete for, usually provider and model; strategies may keep one controller per
   * resource.
   * @default the runner's name
   */
  readonly resource?: string;
  run(request: TaskRequest, context: RunContext): Promise<TaskOutput>;
}
