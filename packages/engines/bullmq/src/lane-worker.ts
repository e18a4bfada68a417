import {
  type BackendFactory,
  type IQueueBackend,
  type Job,
  type JobProgress,
  Worker,
  type WorkerOptions,
} from 'bullmq';
import type { Places } from './places.js';
import type { JobData, JobResult } from './protocol.js';

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
    await this.#places.take();
    let job: AttemptJob | undefined;
    try {
      job = this.closing || this.paused ? undefined : await super.moveToActive(token, name ?? '');
    } finally {
      if (job === undefined) this.#places.give();
    }
    // BullMQ expects undefined when there is none, although its types do not say so.
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

  override async processJob(
    job: AttemptJob,
    token: string,
    fetchNext: () => boolean = () => true,
  ): Promise<AttemptJob | undefined> {
    let next: AttemptJob | undefined;
    try {
      const takesNext = () => !this.#returned.has(job) && !this.#places.areWanted && fetchNext();
      next = (await super.processJob(job, token, takesNext)) ?? undefined;
    } finally {
      // The next job keeps the place of this one.
      if (!next) this.#places.give();
    }
    return next;
  }
}
