import { describe, isStratagemError, RunnerError } from '../contract/errors.js';
import { MAX_TIMER_MS } from '../util/timer.js';
import type { BatchBackend } from './batch-backend.js';
import { BatchJob, copyOf, type Waiting } from './batch-job.js';
import type { BatchOptions } from './batch-options.js';
import { type BatchState, openState, type Sending } from './batch-state.js';
import type { Turn } from './conversation.js';
import { saysQueueIsFull } from './error-words.js';
import { RequestIds } from './request-ids.js';

/** Requests of a refused job, until they are sent again. */
interface Refused {
  readonly requests: Set<Waiting>;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** The longest wait before a refused job is sent again. */
const MAX_RESEND_MS = 600_000;

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
  readonly #pending = new Set<Waiting>();
  readonly #refused = new Set<Refused>();
  /** Jobs that were refused since the last one that ended. */
  #refusals = 0;
  /** Maximum requests of the next jobs: less after a refusal, as the queue may be shorter than a job. */
  #jobSize = Number.POSITIVE_INFINITY;
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
    explain: Waiting['explain'] = (thrown) => thrown,
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
        const join = () => {
          if (signal.aborted) return;
          const bytes = byteLength(text);
          waiting = { customId, body, bytes, order, resolve, reject, notify, explain };
          const jobId = state?.jobOf(customId);
          if (jobId !== undefined) this.#job(jobId, state).add(waiting, true);
          else this.#enqueue(waiting);
        };
        this.#settle(customId, state).then(join, (thrown) => reject(copyOf(thrown)));
      });
    } catch (thrown) {
      // The next attempt at this request gets the same id.
      this.#ids.free(customId);
      throw thrown;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  #enqueue(waiting: Waiting): void {
    const { maxBytes } = this.#backend;
    if (this.#pending.size > 0 && this.#bytes + waiting.bytes > maxBytes) this.#flush();
    this.#pending.add(waiting);
    this.#bytes += waiting.bytes;
    if (this.#pending.size >= Math.min(this.#maxRequests, this.#jobSize)) this.#flush();
    else {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#flush(), Math.min(this.#batchWindowMs, MAX_TIMER_MS));
    }
  }

  #flush(): void {
    clearTimeout(this.#timer);
    // Hashing is asynchronous, so requests arrive here out of order.
    const batch = [...this.#pending].sort((a, b) => a.order - b.order);
    this.#pending.clear();
    this.#bytes = 0;
    if (batch.length > 0) void this.#submit(batch);
  }

  async #submit(batch: readonly Waiting[]): Promise<void> {
    for (const waiting of batch) this.#sending.add(waiting);
    const key = crypto.randomUUID();
    // It was opened before the first request was collected.
    const state = await this.#state();
    const send = () => this.#send(batch, key, state);
    await (state === undefined ? send() : state.settle(key, send));
  }

  async #send(
    batch: readonly Waiting[],
    key: string,
    state: BatchState | undefined,
  ): Promise<void> {
    const requests = batch.map(({ customId, body }) => ({ customId, body }));
    const ids = requests.map(({ customId }) => customId);
    try {
      // Without this record, nothing can be found again; but the job can be done.
      const isKept = await state?.beginSending(key, ids).then(
        () => true,
        () => false,
      );
      const jobId = await this.#backend.submit(requests, isKept ? key : undefined);
      state?.endSending(key);
      const problem = await recordJob(state, jobId, ids);
      const job = this.#job(jobId, state);
      for (const waiting of batch) {
        // The request was stopped meanwhile.
        if (!this.#sending.delete(waiting)) continue;
        if (problem !== undefined) waiting.notify(problem);
        job.add(waiting, false);
      }
      if (job.size === 0) this.#abandon(job, state);
    } catch (thrown) {
      if (!mayBeSent(thrown)) state?.endSending(key);
      const left = batch.filter((waiting) => this.#sending.delete(waiting));
      // Any other limit is one of the run, which waits and tries again.
      const isFull = isStratagemError(thrown) && saysQueueIsFull(thrown.message);
      if (isFull) this.#sendAgain(left, thrown as RunnerError);
      else for (const waiting of left) waiting.reject(copyOf(thrown));
    }
  }

  /** Finds out what has become of a job with this request whose id was never recorded. */
  async #settle(customId: string, state: BatchState | undefined): Promise<void> {
    const sending = state?.sendingOf(customId);
    if (state === undefined || sending === undefined) return;
    const find = () => this.#find(sending, state);
    await state.settle(sending.key, () => state.search(find));
  }

  async #find({ key, sentAt, requests }: Sending, state: BatchState): Promise<void> {
    const isOther = (jobId: string) => state.knows(jobId);
    const sent = { key, sentAt, requests, isOther };
    const found = await this.#backend.find(sent).catch((thrown) => {
      throw copyOf(thrown, NOT_SENT_AGAIN);
    });
    const [jobId, ...others] = typeof found === 'string' ? [found] : found;
    state.endSending(key);
    if (jobId === undefined) return;
    await recordJob(state, jobId, [...requests], typeof found === 'string' ? undefined : others);
  }

  /** Looks for the rest of the requests in the next job that they may be in. */
  #tryNext(
    jobId: string,
    state: BatchState,
    present: ReadonlySet<string>,
    rest: readonly Waiting[],
  ): void {
    const { missing, others } = state.endGuess(jobId, present);
    const [next, ...further] = others;
    if (next === undefined) {
      for (const waiting of rest) {
        waiting.notify(`batch ${jobId} has no result for this request; it is sent again`);
        this.#enqueue(waiting);
      }
      return;
    }
    // Also those of tasks that have not started yet.
    if (missing.length > 0) void recordJob(state, next, missing, further);
    const job = this.#job(next, state);
    for (const waiting of rest) job.add(waiting, true);
  }

  /** Waits for room in the queue of the provider, and sends these requests again, in smaller jobs. */
  #sendAgain(batch: readonly Waiting[], { message, retryAfterMs = 0 }: RunnerError): void {
    if (batch.length === 0) return;
    const backoffMs = Math.min(MAX_RESEND_MS, this.#pollMs * 2 ** this.#refusals++);
    const delayMs = Math.max(retryAfterMs, backoffMs);
    this.#jobSize = Math.min(this.#jobSize, Math.ceil(batch.length / 2));
    const requests = new Set(batch);
    const send = () => {
      this.#refused.delete(refused);
      for (const waiting of requests) this.#enqueue(waiting);
    };
    const refused = { requests, timer: setTimeout(send, Math.min(delayMs, MAX_TIMER_MS)) };
    this.#refused.add(refused);
    for (const { notify } of batch) notify(`${message}; it is sent again in ${delayMs} ms`);
  }

  #leave(waiting: Waiting): void {
    if (this.#sending.delete(waiting)) return;
    if (this.#pending.delete(waiting)) {
      this.#bytes -= waiting.bytes;
      if (this.#pending.size === 0) clearTimeout(this.#timer);
      return;
    }
    for (const refused of this.#refused) {
      if (!refused.requests.delete(waiting)) continue;
      if (refused.requests.size > 0) return;
      clearTimeout(refused.timer);
      this.#refused.delete(refused);
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
        refused: (requests, problem) => this.#sendAgain(requests, problem),
        ...(state?.isGuess(jobId) && {
          guessed: (present, rest) => this.#tryNext(jobId, state, present, rest),
        }),
        ended: () => {
          this.#refusals = 0;
          this.#jobSize *= 2;
        },
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
    // A job that was found may be someone else's.
    if (this.#keepsJobs || state?.isGuess(job.id)) return;
    // A failure would have no request to report it to.
    this.#backend.cancel(job.id).catch(() => {});
    state?.forgetJob(job.id);
  }
}

/** Records a job. Returns the problem instead of throwing it: the job has been sent already. */
async function recordJob(
  state: BatchState | undefined,
  jobId: string,
  ids: readonly string[],
  others?: readonly string[],
): Promise<string | undefined> {
  try {
    await state?.add(jobId, ids, others);
    return undefined;
  } catch (thrown) {
    return `batch ${jobId} cannot be found again after a restart: ${describe(thrown)}`;
  }
}

/** Ends the message of an error that keeps a job from being found. */
const NOT_SENT_AGAIN =
  '; a batch with this request may have been sent before, so it is not sent again until the batches can be ' +
  'listed, or "sending" is removed from the stateFile';

/** Errors after which the provider may have the job all the same. */
const UNCERTAIN: readonly string[] = ['connection', 'timeout', 'server_error'];

function mayBeSent(thrown: unknown): boolean {
  return isStratagemError(thrown) && UNCERTAIN.includes(thrown.code);
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

async function hashOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
