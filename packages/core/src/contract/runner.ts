import type { RateLimits } from './rate-limits.js';
import type { RunContext } from './run-context.js';
import type { Task, TaskType } from './task.js';
import type { RequestTool } from './tool.js';
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
  /** The prompt without the schema, for a backend that takes `outputSchema` in a way of its own. */
  readonly plainPrompt: string;
  /** The task's description as it was written. */
  readonly description: string;
  /** The outputs of the dependencies by task id, as values. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** What the output must look like, as JSON Schema; undefined when anything will do. */
  readonly outputSchema?: Readonly<Record<string, unknown>>;
  /**
   * Says what is wrong with an answer before it is given, so that the model can be asked to mend
   * it; undefined when it fits. Left out when anything will do.
   */
  readonly check?: (answer: unknown) => Promise<string | undefined>;
  /** The tools that the model may call; left out when there are none. */
  readonly tools?: readonly RequestTool[];
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
  /** What the server announced about its limits. */
  readonly rateLimits?: RateLimits;
}

/** The same, with what the executor knows about it. */
export interface AttemptResult extends TaskOutput {
  /** What the output follows from, as a hash. */
  readonly contentKey?: string | undefined;
  /** It was taken from this run, and nothing was spent; has a content key. */
  readonly reused?: { readonly runId: string } | undefined;
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
   * What attempts compete for, usually provider and model; a function where that depends on the
   * task. Strategies may keep one controller per resource, and a server that asks to wait stops
   * the starts for its resource alone.
   * @default the runner's name
   */
  readonly resource?: string | ((task: Task) => string);
  /**
   * What besides the request decides on the answer: model, instructions, temperature. Plain data
   * without secrets; part of what a cache goes by.
   */
  readonly settings?: Readonly<Record<string, unknown>>;
  /**
   * Whether it lets the model call `request.tools`. One that does not is not asked to do a task
   * that lists tools: `execute` refuses the plan.
   * @default false
   */
  readonly supportsTools?: boolean;
  run(request: TaskRequest, context: RunContext): Promise<TaskOutput>;
}

/**
 * What an attempt at this task competes for. A function that throws, or gives no name, says no more
 * than the runner's own name does: an attempt will show what is wrong.
 */
export function resourceOf(runner: TaskRunner, task: Task): string {
  const { resource, name } = runner;
  if (typeof resource !== 'function') return resource ?? name;
  try {
    const given: unknown = resource(task);
    return typeof given === 'string' && given !== '' ? given : name;
  } catch {
    return name;
  }
}
