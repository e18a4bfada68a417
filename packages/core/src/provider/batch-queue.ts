import { describe, RunnerError } from '../contract/errors.js';
import type { BatchBackend } from './batch-backend.js';
import { BatchJob, copyOf, MAX_TIMER_MS, type Waiting } from './batch-job.js';
import type { BatchOptions } from './batch-options.js';
import { type BatchState, openState } from './batch-state.js';
import type { Turn } from './conversation.js';
import { RequestIds } from './request-ids.js';

/** A request that waits to be sent. */
interface Pending {
  readonly body: object;
  readonly bytes: number;
  /** Its position among all requests of the queue. */
  readonly order: number;
}

/** Collects requests into jobs, and gives each request its result. */
export class BatchQueue {
  readonly #backend: BatchBackend;
  readonly #batchWindowMs: number;
  readonly #pollMs: number;
  readonly #maxRequests: number;
  readonly #keepsJobs: boolean;
  readonly #state: () => Promise<BatchState | undefined>;
  readonly #ids = new RequestIds();
  /** Jobs that a request waits for. */
  readonly #jobs = new Map<string, BatchJob>();
  /** Requests whose job is being sent. */
  readonly #sending = new Set<Waiting>();
  #pending = new Map<Waiting, Pending>();
  #bytes = 0;
  #order = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(backend: BatchBackend, options: BatchOptions) {
    const { batchWindowMs = 1_000, pollMs = 30_000, maxRequests, stateFile, onAbandoned } = options;
    this.#backend = backend;
    this.#batchWindowMs = batchWindowMs;
    this.#pollMs = pollMs;
    this.#maxRequests = Math.min(maxRequests ?? backend.maxRequests, backend.maxRequests);
    this.#keepsJobs = (onAbandoned ?? (stateFile === undefined ? 'cancel' : 'keep')) === 'keep';
    this.#state = async () => (stateFile === undefined ? undefined : openState(stateFile));
  }

  /**
   * Sends a request with the next job, and waits for its result.
   *
   * @param notify Called when the request joins a job.
   * @throws {RunnerError} when the request fails, or `aborted`.
   */
  async answer(
    body: object,
    signal: AbortSignal,
    notify: (message: string) => void,
  ): Promise<Turn> {
    const order = this.#order++;
    const state = await this.#state();
    const text = JSON.stringify(body);
    const customId = this.#ids.take(await hashOf(`${this.#backend.label}\n${text}`));
    let waiting: Waiting | undefined;
    let stop = () => {};
    try {
      return await new Promise<Turn>((resolve, reject) => {
        stop = () => {
          const { reason: cause } = signal;
          reject(new RunnerError('aborted', 'the attempt was stopped', { cause }));
          if (waiting !== undefined) this.#leave(waiting);
        };
        if (signal.aborted) {
          stop();
          return;
        }
        signal.addEventListener('abort', stop, { once: true });
        waiting = { customId, resolve, reject, notify };
        const jobId = state?.jobOf(customId);
        if (jobId !== undefined) this.#job(jobId, state).add(waiting, true);
        else this.#enqueue(waiting, { body, bytes: byteLength(text), order });
      });
    } catch (thrown) {
      // The next attempt at this request gets the same id.
      this.#ids.free(customId);
      throw thrown;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  #enqueue(waiting: Waiting, pending: Pending): void {
    const { maxBytes } = this.#backend;
    if (this.#pending.size > 0 && this.#bytes + pending.bytes > maxBytes) this.#flush();
    this.#pending.set(waiting, pending);
    this.#bytes += pending.bytes;
    if (this.#pending.size >= this.#maxRequests) this.#flush();
    else {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#flush(), Math.min(this.#batchWindowMs, MAX_TIMER_MS));
    }
  }

  #flush(): void {
    clearTimeout(this.#timer);
    // Hashing is asynchronous, so requests arrive here out of order.
    const batch = [...this.#pending].sort(([, a], [, b]) => a.order - b.order);
    this.#pending.clear();
    this.#bytes = 0;
    if (batch.length > 0) void this.#submit(batch);
  }

  async #submit(batch: readonly [Waiting, Pending][]): Promise<void> {
    for (const [waiting] of batch) this.#sending.add(waiting);
    const requests = batch.map(([{ customId }, { body }]) => ({ customId, body }));
    try {
      const jobId = await this.#backend.submit(requests);
      const state = await this.#state();
      const problem = await recordJob(state, jobId, requests);
      const job = this.#job(jobId, state);
      for (const [waiting] of batch) {
        // The request was stopped meanwhile.
        if (!this.#sending.delete(waiting)) continue;
        if (problem !== undefined) waiting.notify(problem);
        job.add(waiting, false);
      }
      if (job.size === 0) this.#abandon(job, state);
    } catch (thrown) {
      for (const [waiting] of batch) {
        if (this.#sending.delete(waiting)) waiting.reject(copyOf(thrown));
      }
    }
  }

  #leave(waiting: Waiting): void {
    if (this.#sending.delete(waiting)) return;
    const pending = this.#pending.get(waiting);
    if (pending !== undefined) {
      this.#pending.delete(waiting);
      this.#bytes -= pending.bytes;
      if (this.#pending.size === 0) clearTimeout(this.#timer);
      return;
    }
    for (const job of this.#jobs.values()) {
      if (!job.leave(waiting)) continue;
      if (job.size === 0) void this.#state().then((state) => this.#abandon(job, state));
      return;
    }
  }

  #job(jobId: string, state: BatchState | undefined): BatchJob {
    let job = this.#jobs.get(jobId);
    if (job === undefined) {
      job = new BatchJob(jobId, this.#backend, {
        pollMs: this.#pollMs,
        failed: (customId) => state?.forget(customId),
        lost: () => state?.forgetJob(jobId),
        over: () => this.#jobs.delete(jobId),
      });
      this.#jobs.set(jobId, job);
    }
    return job;
  }

  #abandon(job: BatchJob, state: BatchState | undefined): void {
    if (job.size > 0) return; // A request waits for it again.
    job.stop();
    this.#jobs.delete(job.id);
    if (this.#keepsJobs) return;
    // A failure would have no request to report it to.
    this.#backend.cancel(job.id).catch(() => {});
    state?.forgetJob(job.id);
  }
}

/** Records a job. Returns the problem instead of throwing it: the job has been sent already. */
async function recordJob(
  state: BatchState | undefined,
  jobId: string,
  requests: readonly { readonly customId: string }[],
): Promise<string | undefined> {
  try {
    await state?.add(
      jobId,
      requests.map(({ customId }) => customId),
    );
    return undefined;
  } catch (thrown) {
    return `batch ${jobId} cannot be found again after a restart: ${describe(thrown)}`;
  }
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

async function hashOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
