import type { RateLimits, RunnerError, Task, TaskType } from '@stratagem/core';

/** The demand of an attempt on a server. */
export interface Demand {
  /** Its duration on an idle server, in milliseconds. */
  readonly workMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /**
   * What the attempt costs, in US dollars.
   * @default unknown, unless `prices` tells it
   */
  readonly costUsd?: number | undefined;
}

/** One request to a server model. */
export interface Request extends Demand {
  readonly taskId: string;
  /**
   * The type of the task.
   * @default 'action'
   */
  readonly type?: TaskType | undefined;
  /** 1 for the first try. */
  readonly attempt: number;
  /** The resource it competes for; see `TaskView.resource` of core. */
  readonly resource: string;
  /** The number of tokens per chunk of the response; `Infinity` when it comes in one piece. */
  readonly tokensPerChunk: number;
}

/** A chunk of a response that has not ended yet. */
export interface StreamChunk<R extends Request = Request> {
  readonly request: R;
  /** The number of tokens in this chunk. */
  readonly tokens: number;
}

/** The end of a request. */
export interface Response<R extends Request = Request> {
  readonly request: R;
  /** Why the request was refused or failed; undefined when it succeeded. */
  readonly error: RunnerError | undefined;
  /** The limits that the server announces, if it does. */
  readonly rateLimits: RateLimits | undefined;
}

/**
 * A server in virtual time, for one run. It is called for each start and abort of a request, and
 * reports when the next request ends, which may change with every call. The same calls lead to the
 * same responses.
 */
export interface Server {
  start(request: Request, now: number): void;
  /** Aborts a request; its response is no longer needed. */
  abort(request: Request, now: number): void;
  /** When `advance` must be called next, unless another call comes first; `Infinity` for never. */
  readonly nextAt: number;
  /** Returns the end of a request or a chunk; undefined when only the server's state changed. */
  advance(now: number): Response | StreamChunk | undefined;
}

/**
 * The behaviour of a server: plain data and a factory, usable for any number of runs.
 *
 * @example
 * const model: ServerModel = concurrencyKnee({ knee: 16 });
 * const { rows } = whatIf(plan, { server: model, strategy: parallel, maxParallel: [4, 8, 16] });
 */
export interface ServerModel {
  readonly name: string;
  /**
   * The resource of a task, when the model has more than one server.
   * @default one resource for all tasks
   */
  readonly resourceOf?: ((task: Task) => string) | undefined;
  /** Creates an idle server; the same seed gives the same latencies. */
  begin(seed: number): Server;
}
