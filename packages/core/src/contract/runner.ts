import type { RequestAttachment } from './attachment.js';
import type { TaskOptions } from './call-options.js';
import type { Citation } from './citation.js';
import type { RateLimits } from './rate-limits.js';
import type { LoopResult } from './repeat.js';
import type { RunContext } from './run-context.js';
import type { ServerToolCall } from './server-tool-call.js';
import type { Task, TaskType } from './task.js';
import type { RequestTool } from './tool.js';
import type { Usage } from './usage.js';

/** A request to a runner: one attempt at one task. */
export interface TaskRequest {
  /** The id of the task in its plan. An item of a fan-out is `analyse[3]`. */
  readonly taskId: string;
  /** What kind of step the task is, as its plan says. */
  readonly type: TaskType;
  /**
   * The prompt for the model: the task's description with the outputs of its dependencies, and the
   * schema of the answer.
   */
  readonly prompt: string;
  /** The prompt without the schema, for a backend with its own parameter for `outputSchema`. */
  readonly plainPrompt: string;
  /** The task's description as it was written. */
  readonly description: string;
  /** The outputs of the dependencies by task id, as values. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** The JSON Schema of the output; undefined when any output is valid. */
  readonly outputSchema?: Readonly<Record<string, unknown>> | undefined;
  /**
   * Validates an answer before it is returned, so that the model can repair it. Resolves to a message,
   * or to undefined when the answer is valid. Left out when any answer is valid.
   */
  readonly check?: ((answer: unknown) => Promise<string | undefined>) | undefined;
  /** The tools that the model may call; left out when there are none. */
  readonly tools?: readonly RequestTool[] | undefined;
  /** Files and addresses that the model is to see; left out when there are none. */
  readonly attachments?: readonly RequestAttachment[] | undefined;
  /** The options of the task for the model; left out when it sets none. */
  readonly options?: TaskOptions | undefined;
  /** The `metadata` of the task: your own data, `{}` when there is none. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** The result of one attempt. */
export interface TaskOutput {
  readonly output: unknown;
  readonly usage?: Usage | undefined;
  /** The cost of the attempt in US dollars; leave it out when the price is unknown. */
  readonly costUsd?: number | undefined;
  /** The provider's name of the model that answered. */
  readonly model?: string | undefined;
  /** The provider's id of the request. */
  readonly requestId?: string | undefined;
  /** The rate limits that the server announced. */
  readonly rateLimits?: RateLimits | undefined;
  /** The sources that the answer cites: of searches of the provider, and of documents. */
  readonly citations?: readonly Citation[] | undefined;
  /** The calls of tools that the provider ran itself, in their order. */
  readonly serverToolCalls?: readonly ServerToolCall[] | undefined;
  /** The answer was taken from a cache, at no cost. */
  readonly cached?: true | undefined;
}

/** A `TaskOutput` with what the executor knows about it. */
export interface AttemptResult extends TaskOutput {
  /** A hash of everything that the output depends on. */
  readonly contentKey?: string | undefined;
  /** The recorded run that the output was taken from, at no cost; has a content key. */
  readonly reused?: { readonly runId: string } | undefined;
  /** The file that the output was saved to. */
  readonly savedTo?: string | undefined;
  /** For a loop, which has no attempts of its own: how it ended. */
  readonly loop?: LoopResult | undefined;
}

/**
 * Runs one attempt at one task. Every LLM backend implements this contract, and so may anything else:
 * a queue, another agent, a human.
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
   * The resource that attempts compete for, usually provider and model; a function if it depends on
   * the task. Strategies may keep one controller per resource, and a server that asks to wait stops
   * the starts for its resource alone. A task that asks for another model competes for `name/model`,
   * unless this is a function.
   * @default the runner's name
   */
  readonly resource?: string | ((task: Task) => string) | undefined;
  /**
   * Everything besides the request that the answer depends on: model, instructions, temperature.
   * Plain data without secrets; part of the keys of caches.
   */
  readonly settings?: Readonly<Record<string, unknown>> | undefined;
  /**
   * Whether its answers depend on `request.inputs` beyond what the prompt shows of them. Without it, an
   * answer is reused although inputs have changed that the prompt does not show, such as the rest of a
   * list in a task for one item.
   * @default false
   */
  readonly readsInputs?: boolean | undefined;
  /**
   * Whether it lets the model call `request.tools`. Without that, `execute` refuses a plan with tasks
   * that list tools.
   * @default false
   */
  readonly supportsTools?: boolean | undefined;
  /**
   * The options of tasks that it honours, by their names in `request.options`; of the provider's own
   * those of one provider: `providerOptions.openai`. The media types of attachments that it takes are
   * among them: `attachments.image/png`, `attachments.text/*`. `execute` refuses a plan with a task that sets any
   * other option, so that none is without effect.
   * @default none
   */
  readonly supportedOptions?: readonly string[] | undefined;
  /** How it knows the cost of its answers; left out when nothing can be said before it runs. */
  readonly pricing?: RunnerPricing | undefined;
  /**
   * Rejects with what would fail every request, as far as that is known before one is sent: a missing key,
   * a missing recording. Sends nothing. The command line asks before it runs a plan.
   */
  readonly check?: (() => Promise<void>) | undefined;
  /**
   * Finds the answer that `run` would return without asking anybody, such as one in a cache; undefined when there is
   * none. Forecasts ask for it: such a request costs nothing.
   */
  readonly cached?:
    | ((request: TaskRequest) => Promise<Pick<TaskOutput, 'output'> | undefined>)
    | undefined;
  run(request: TaskRequest, context: RunContext): Promise<TaskOutput>;
}

/** How a runner knows the cost of its answers. */
export interface RunnerPricing {
  /** The day of the price list that it uses, as `YYYY-MM-DD`. */
  readonly asOf?: string | undefined;
  /**
   * Models whose price it does not know. A budget in US dollars is refused before the first task,
   * unless `prices` has them.
   */
  readonly unknownModels?: readonly string[] | undefined;
  /**
   * Whether it knows the price of another model, which a task asks for.
   * @default it does not
   */
  readonly isKnown?: ((model: string) => boolean) | undefined;
}

/**
 * The resource that an attempt at this task competes for. If the function throws or returns no name,
 * it is the runner's own name; the attempt itself will show the error.
 */
export function resourceOf(runner: TaskRunner, task: Task): string {
  const { resource, name } = runner;
  if (typeof resource !== 'function') {
    return task.model === undefined ? (resource ?? name) : `${name}/${task.model}`;
  }
  try {
    const given: unknown = resource(task);
    return typeof given === 'string' && given !== '' ? given : name;
  } catch {
    return name;
  }
}
