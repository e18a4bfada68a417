import type { RateLimits, RunnerError, Task } from '@stratagem/core';

/** What one attempt asks of a server. */
export interface Demand {
  /** How long it takes on an idle server, in milliseconds. */
  readonly workMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** One request to a server model. */
export interface Request extends Demand {
  readonly taskId: string;
  /** 1 for the first try. */
  readonly attempt: number;
  /** What it competes for; see `TaskView.resource` of core. */
  readonly resource: string;
  /** The answer is reported in parts of so many tokens; `Infinity` for one that comes as a whole. */
  readonly tokensPerPart: number;
}

/** A part of an answer, whose end is yet to come. */
export interface Part<R extends Request = Request> {
  readonly request: R;
  /** How many tokens this part has. */
  readonly tokens: number;
}

/** How a server model ended a request. */
export interface Answer<R extends Request = Request> {
  readonly request: R;
  /** Why it was refused or failed; undefined when it was done. */
  readonly error: RunnerError | undefined;
  /** What the server announces about its limits, where it does. */
  readonly rateLimits: RateLimits | undefined;
}

/**
 * A server in virtual time, for one run. It is told of what starts and what is given up, and says
 * when the next request ends, which may change as others come and go. The same calls lead to the
 * same answers.
 */
export interface Server {
  start(request: Request, now: number): void;
  /** Nobody waits for the answer any more. */
  abort(request: Request, now: number): void;
  /** When `advance` is to be called next, as things stand; `Infinity` for never. */
  readonly nextAt: number;
  /** Ends one request, brings a part of its answer, or changes how things stand. */
  advance(now: number): Answer | Part | undefined;
}

/**
 * How a server behaves: plain data and a factory, usable for any number of runs.
 *
 * @example
 * const model: ServerModel = concurrencyKnee({ knee: 16 });
 * const { rows } = whatIf(plan, { server: model, strategy: parallel, maxParallel: [4, 8, 16] });
 */
export interface ServerModel {
  readonly name: string;
  /**
   * What a task competes for, where there is more than one server behind the model.
   * @default one resource for all
   */
  readonly resourceOf?: (task: Task) => string;
  /** A server at rest; the same seed gives the same latencies. */
  begin(seed: number): Server;
}
