import {
  type BackendFactory,
  type IQueueBackend,
  type Job,
  type JobProgress,
  WaitingError,
  Worker,
  type WorkerOptions,
} from 'bullmq';
import type { Places } from './places.js';
import type { JobData, JobResult } from './protocol.js';

/** How soon a result is stored again that may not have arrived. */
const RETRY_MS = 100;

export type AttemptJob = Job<JobData, JobResult, string>;

export interface LaneWorkerOptions extends WorkerOptions<unknown> {
  /** The places of this process, which several queues share. */
  readonly places: Places;
  readonly process: (job: AttemptJob, token: string) => Promise<JobResult>;
}

/**
 * A worker of BullMQ that takes a place of its process before it takes a job, so that the queues of a
 * process share its places.
 */
export class LaneWorker extends Worker<
  JobData,
  JobResult,
  string,
  IQueueBackend,
  JobProgress,
  unknown
> {
  // The base class takes jobs in its constructor, before fields exist: so it starts later.
  readonly #places: Places;
  /** Jobs that were taken and have not begun. */
  #taken = 0;
  /** Jobs that were given back: BullMQ would take the next one without a place. */
  readonly #returned = new WeakSet<AttemptJob>();

  constructor(
    name: string,
    { places, process, ...options }: LaneWorkerOptions,
    factory: BackendFactory<IQueueBackend, unknown>,
  ) {
    super(name, (job, token = '') => process(job, token), { ...options, autorun: false }, factory);
    this.#places = places;
    this.run().catch((error: Error) => this.emit('error', error));
  }

  protected override async moveToActive(token: string, name?: string): Promise<AttemptJob> {
    // BullMQ takes several jobs before it begins the first: while some of them wait, this must not. It
    // expects undefined when there is no job, although its types do not say so.
    if (!this.#places.tryTake()) {
      if (this.#taken > 0) return undefined as never;
      await this.#places.take();
    }
    let job: AttemptJob | undefined;
    try {
      job = this.closing || this.paused ? undefined : await super.moveToActive(token, name ?? '');
    } finally {
      if (job === undefined) this.#places.give();
      else this.#taken++;
    }
    return job as AttemptJob;
  }

  protected override async callProcessJob(
    job: AttemptJob,
    token: string,
    signal?: AbortSignal,
  ): Promise<JobResult> {
    try {
      return await super.callProcessJob(job, token, signal as never);
    } catch (error) {
      this.#returned.add(job);
      throw error;
    }
  }

  /**
   * Stores a result again while the server does not answer: BullMQ would give the job up, and an attempt
   * that has ended would be lost. Once the lock has ended, another worker begins it again.
   */
  protected override async handleCompleted(
    result: JobResult,
    job: AttemptJob,
    token: string,
    fetchNext: () => boolean,
    span: never,
  ): Promise<AttemptJob> {
    const until = performance.now() + (this.opts.lockDuration ?? 0);
    for (;;) {
      try {
        return (await super.handleCompleted(result, job, token, fetchNext, span)) as AttemptJob;
      } catch (error) {
        this.emit('error', error as Error);
        // A number says that the server has answered: the lock is lost, or an earlier try has arrived.
        const isAnswer = typeof (error as { readonly code?: unknown }).code === 'number';
        if (isAnswer || performance.now() > until) {
          this.#returned.add(job);
          throw new WaitingError();
        }
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  /** Processes a job, and those that BullMQ takes when it ends: they keep its place. */
  override async processJob(
    job: AttemptJob,
    token: string,
    fetchNext: () => boolean = () => true,
  ): Promise<undefined> {
    let current: AttemptJob | undefined = job;
    this.#taken--;
    try {
      while (current !== undefined) {
        const taken: AttemptJob = current;
        const takesNext = () =>
          !this.#returned.has(taken) && !this.#places.areWanted && fetchNext();
        current = (await super.processJob(taken, token, takesNext)) ?? undefined;
      }
    } finally {
      this.#places.give();
    }
    return undefined;
  }
}
