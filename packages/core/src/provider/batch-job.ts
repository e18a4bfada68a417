import { describe, isStratagemError, RunnerError } from '../contract/errors.js';
import { TRANSIENT_ERROR_CODES } from '../contract/retry.js';
import type { BatchBackend, BatchProgress } from './batch.js';
import type { Turn } from './conversation.js';

/** The longest delay a timer takes: one that is set for longer fires at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** Somebody who waits for the result of a request. */
export interface Waiting {
  readonly customId: string;
  readonly resolve: (turn: Turn) => void;
  readonly reject: (error: unknown) => void;
  /** Told what happens to the request on the way. */
  readonly notify: (message: string) => void;
}

/** What a job tells its queue. */
export interface JobHost {
  readonly pollMs: number;
  /** A request has failed: it is not to be looked for in this job again. */
  readonly failed: (customId: string) => void;
  /** The provider knows no such job any more. */
  readonly lost: () => void;
  /** Nobody waits for it any more. */
  readonly over: () => void;
}

/** A job at the provider, which is asked how far it is for as long as somebody waits for it. */
export class BatchJob {
  readonly id: string;
  readonly #backend: BatchBackend;
  readonly #host: JobHost;
  readonly #waiting = new Map<string, Waiting>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isPolling = false;

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
    waiting.notify(`${isOld ? 'found' : 'sent'} in batch ${this.id}`);
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
      if (progress.ended) await this.#deliver(progress);
    } catch (thrown) {
      const error = isStratagemError(thrown) ? (thrown as RunnerError) : undefined;
      const isPassing = TRANSIENT_ERROR_CODES.some((code) => code === error?.code);
      // The job goes on while nobody can be asked about it.
      if (isPassing) delayMs = Math.max(delayMs, error?.retryAfterMs ?? 0);
      else {
        if (error?.code === 'not_found') this.#host.lost();
        this.#fail(thrown);
      }
    }
    this.#isPolling = false;
    if (this.#waiting.size > 0) this.#schedule(delayMs);
    else this.#host.over();
  }

  async #deliver({ results, problem }: Extract<BatchProgress, { ended: true }>): Promise<void> {
    for await (const { customId, read } of results()) {
      const waiting = this.#waiting.get(customId);
      if (waiting === undefined) continue;
      this.#waiting.delete(customId);
      try {
        waiting.resolve(await read());
      } catch (thrown) {
        this.#host.failed(customId);
        waiting.reject(thrown);
      }
    }
    const message = `${this.#backend.label}: batch ${this.id} has ended without a result for it`;
    this.#fail(problem ?? new RunnerError('server_error', message));
  }

  /** All who still wait get the same error, each as its own. */
  #fail(thrown: unknown): void {
    const rest = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { customId, reject } of rest) {
      this.#host.failed(customId);
      reject(copyOf(thrown));
    }
  }
}

/** What one task's error is given later must not show in another's. */
export function copyOf(thrown: unknown): unknown {
  if (!isStratagemError(thrown)) {
    return new RunnerError('task_failed', describe(thrown), { cause: thrown });
  }
  const { code, message, retryAfterMs, status, requestId } = thrown as RunnerError;
  return new RunnerError(code, message, { cause: thrown, ...{ retryAfterMs, status, requestId } });
}
