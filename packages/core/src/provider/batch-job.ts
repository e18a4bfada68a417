import { describe, isStratagemError, RunnerError } from '../contract/errors.js';
import { TRANSIENT_ERROR_CODES } from '../contract/retry.js';
import { MAX_TIMER_MS } from '../util/timer.js';
import type { BatchBackend, BatchProgress } from './batch-backend.js';
import type { Turn } from './conversation.js';
import { definedFields } from './defined-fields.js';

/** A request that waits for its result. */
export interface Waiting {
  readonly customId: string;
  readonly body: object;
  readonly bytes: number;
  /** Its position among all requests of the queue. */
  readonly order: number;
  readonly resolve: (turn: Turn) => void;
  readonly reject: (error: unknown) => void;
  /** Adds to the error of this request alone what is known about the request. */
  readonly explain: (error: unknown) => unknown;
  /** Called when the request joins a job. */
  readonly notify: (message: string) => void;
}

/** The queue of a job. */
export interface JobHost {
  readonly pollMs: number;
  /** A request has failed: a retry must not look for it in this job. */
  readonly failed: (customId: string) => void;
  /** The provider no longer knows the job. */
  readonly lost: () => void;
  /** The provider had no room for the job: these requests are to be sent again. */
  readonly refused: (requests: readonly Waiting[], problem: RunnerError) => void;
  /** The provider has done the job. */
  readonly ended: () => void;
  /**
   * The job has ended, with results for the requests that are present, but not for the rest of those that
   * wait for it. Undefined when it is certain that all of them are in it.
   */
  readonly guessed?: ((present: ReadonlySet<string>, rest: readonly Waiting[]) => void) | undefined;
  /** No request waits for the job any more. */
  readonly over: () => void;
}

/** Polls in a row that the provider may refuse, while keys are rotated for instance. */
const REFUSED_POLLS = 2;

/** A job at the provider. It is polled as long as a request waits for it. */
export class BatchJob {
  readonly id: string;
  readonly #backend: BatchBackend;
  readonly #host: JobHost;
  readonly #waiting = new Map<string, Waiting>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isPolling = false;
  #refusedPolls = 0;

  constructor(id: string, backend: BatchBackend, host: JobHost) {
    this.id = id;
    this.#backend = backend;
    this.#host = host;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** @param isOld Whether the job may have ended long ago. */
  add(waiting: Waiting, isOld: boolean): void {
    this.#waiting.set(waiting.customId, waiting);
    const place = this.#host.guessed ? 'perhaps' : isOld ? 'found' : 'sent';
    waiting.notify(`${place} in batch ${this.id}`);
    if (this.#timer === undefined && !this.#isPolling)
      this.#schedule(isOld ? 0 : this.#host.pollMs);
  }

  /** @returns Whether it was waiting for this job. */
  leave(waiting: Waiting): boolean {
    const isHere = this.#waiting.get(waiting.customId) === waiting;
    return isHere && this.#waiting.delete(waiting.customId);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #schedule(delayMs: number): void {
    const poll = () => {
      this.#timer = undefined;
      void this.#poll();
    };
    this.#timer = setTimeout(poll, Math.min(delayMs, MAX_TIMER_MS));
  }

  async #poll(): Promise<void> {
    this.#isPolling = true;
    let delayMs = this.#host.pollMs;
    try {
      const progress = await this.#backend.poll(this.id);
      this.#refusedPolls = 0;
      if (progress.ended) await this.#deliver(progress);
    } catch (thrown) {
      const error = isStratagemError(thrown) ? (thrown as RunnerError) : undefined;
      const isTransient = TRANSIENT_ERROR_CODES.some((code) => code === error?.code);
      // The job continues while the provider cannot be reached.
      if (isTransient) delayMs = Math.max(delayMs, error?.retryAfterMs ?? 0);
      else if (isRefused(error?.code) && ++this.#refusedPolls <= REFUSED_POLLS) {
        const rest = `the job goes on, and is asked for again in ${delayMs} ms`;
        for (const { notify } of this.#waiting.values()) notify(`${describe(thrown)}; ${rest}`);
      } else {
        if (error?.code === 'not_found') this.#host.lost();
        this.#fail(thrown);
      }
    }
    this.#isPolling = false;
    if (this.#waiting.size > 0) this.#schedule(delayMs);
    else this.#host.over();
  }

  async #deliver({ results, problem }: Extract<BatchProgress, { ended: true }>): Promise<void> {
    const present = new Set<string>();
    for await (const { customId, read } of results()) {
      present.add(customId);
      const waiting = this.#waiting.get(customId);
      if (waiting === undefined) continue;
      this.#waiting.delete(customId);
      try {
        waiting.resolve(await read());
      } catch (thrown) {
        this.#host.failed(customId);
        waiting.reject(waiting.explain(thrown));
      }
    }
    if (problem === undefined && this.#host.guessed !== undefined) {
      const rest = [...this.#waiting.values()];
      this.#waiting.clear();
      this.#host.guessed(present, rest);
      return;
    }
    if (problem?.code === 'rate_limited' || problem?.code === 'overloaded') {
      this.#host.refused(this.#takeWaiting(), problem);
      return;
    }
    this.#host.ended();
    const message = `${this.#backend.label}: batch ${this.id} ended without a result for this request`;
    this.#fail(problem ?? new RunnerError('server_error', message));
  }

  /** Each waiting request gets its own copy of the error. */
  #fail(thrown: unknown): void {
    for (const { reject } of this.#takeWaiting()) reject(copyOf(thrown));
  }

  /** The requests that have no result; they do not wait for this job any more. */
  #takeWaiting(): Waiting[] {
    const rest = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { customId } of rest) this.#host.failed(customId);
    return rest;
  }
}

function isRefused(code: string | undefined): boolean {
  return code === 'authentication' || code === 'permission_denied';
}

/**
 * A copy of an error: one task's later changes to it must not show in another task.
 *
 * @param hint Ends its message.
 */
export function copyOf(thrown: unknown, hint = ''): RunnerError {
  if (!isStratagemError(thrown)) {
    return new RunnerError('task_failed', describe(thrown) + hint, { cause: thrown });
  }
  const { code, message, retryAfterMs, isRetryable, status, requestId } = thrown as RunnerError;
  const details = definedFields({ retryAfterMs, isRetryable, status, requestId });
  return new RunnerError(code, message + hint, { cause: thrown, ...details });
}
