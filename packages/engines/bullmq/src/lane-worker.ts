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
import { retrying } from './retrying.js';

export type AttemptJob = Job<JobData, JobResult, string>;

export interface LaneWorkerOptions extends WorkerOptions<unknown> {
  /** The places of this process, which several queues share. */
  readonly places: Places;
  readonly process: (job: AttemptJob, token: string) => Promise<JobResult>;
  /** Called when the result of a job could not be stored: another worker has it, or the queue lost it. */
  readonly onLost: (job: AttemptJob) => void;
}

/** How long to wait after an error of the server before it is asked for the next job. */
const ERROR_PAUSE_MS = 100;

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
  readonly #onLost: (job: AttemptJob) => void;
  /** Jobs that were taken and have not begun. */
  #taken = 0;
  /** Jobs that were given back: BullMQ would take the next one without a place. */
  readonly #returned = new WeakSet<AttemptJob>();

  constructor(
    name: string,
    { places, process, onLost, ...options }: LaneWorkerOptions,
    factory: BackendFactory<IQueueBackend, unknown>,
  ) {
    super(name, (job, token = '') => process(job, token), { ...options, autorun: false }, factory);
    this.#places = places;
    this.#onLost = onLost;
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
    } catch (error) {
      await new Promise((resolve) => setTimeout(resolve, ERROR_PAUSE_MS));
      throw error;
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
   * Records a result, also when the connection breaks off meanwhile. An answer that was lost is not missed:
   * the job has ended then, with this result.
   */
  protected override async handleCompleted(
    result: JobResult,
    job: AttemptJob,
    token: string,
    fetchNext?: () => boolean,
  ): Promise<AttemptJob> {
    const complete = () => super.handleCompleted(result, job, token, fetchNext);
    let tries = 0;
    const record = async () => {
      // BullMQ expects undefined when it has taken no next job, although its types do not say so.
      if (tries++ > 0 && (await this.#hasResult(job, result))) {
        this.emit('completed', job, result, 'active');
        return undefined as never;
      }
      return complete();
    };
    const mayPass = (error: unknown) => !this.closing && !isAnswer(error);
    return retrying(record, this.opts.lockDuration ?? 0, mayPass);
  }

  /** Attempts that have failed are completed jobs: nothing else may end one. Its lock ends by itself. */
  protected override async handleFailed(error: Error, job: AttemptJob): Promise<AttemptJob> {
    if (!(error instanceof WaitingError)) {
      this.#onLost(job);
      this.emit('error', error);
    }
    return undefined as never;
  }

  async #hasResult({ id = '' }: AttemptJob, result: JobResult): Promise<boolean> {
    const data = await this.backend.getJobData(id);
    return data?.finishedOn !== undefined && data.returnvalue === JSON.stringify(result);
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

/** Whether the server has answered: the lock is lost, or the job is gone. Such errors have a number. */
function isAnswer(error: unknown): boolean {
  return typeof (error as { readonly code?: unknown }).code === 'number';
}
