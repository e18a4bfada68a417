import type { RunnerError } from '../contract/errors.js';
import type { Turn } from './conversation.js';

/** The Batch API of a provider: all that differs between them. */
export interface BatchBackend {
  /** Begins each message: provider and model. */
  readonly label: string;
  /** Maximum requests in a job. */
  readonly maxRequests: number;
  /** Maximum bytes of all requests in a job, as JSON. */
  readonly maxBytes: number;
  /**
   * Sends a job, and returns its id.
   *
   * @param key Names this job alone, for `find`; undefined when nobody will ask.
   */
  submit(requests: readonly BatchRequest[], key: string | undefined): Promise<string>;
  /**
   * Looks for a job that was sent, perhaps, and whose id never arrived. Returns its id; or, where that
   * cannot be told, those of the jobs that it may be, the likeliest first. Of these, jobs with other results
   * are dropped when they end, and none is canceled.
   */
  find(sent: SentJob): Promise<string | readonly string[]>;
  /** Asks for the state of a job. */
  poll(jobId: string): Promise<BatchProgress>;
  /** Stops a job. */
  cancel(jobId: string): Promise<void>;
}

/** One request of a job. */
export interface BatchRequest {
  /** Letters, digits and `-`, 64 at most; unique within the job. */
  readonly customId: string;
  readonly body: object;
}

/** A job whose id is unknown: the process, or its connection, ended before it arrived. */
export interface SentJob {
  /** As given to `submit`. */
  readonly key: string;
  /** When it was sent, as Unix time in milliseconds by the clock of this machine. */
  readonly sentAt: number;
  /** The custom ids of its requests. */
  readonly requests: ReadonlySet<string>;
  /** Whether the job is another one, whose id is known. */
  readonly isOther: (jobId: string) => boolean;
}

/** The state of a job. */
export type BatchProgress =
  | { readonly ended: false }
  | {
      readonly ended: true;
      /** The available results, in any order. Called once. */
      readonly results: () => AsyncIterable<BatchResult>;
      /**
       * The error of requests without a result, where the job as a whole reports one. With
       * `rate_limited` or `overloaded` the queue of the provider was full, and they are sent again.
       */
      readonly problem?: RunnerError | undefined;
    };

/** The result of one request. */
export interface BatchResult {
  readonly customId: string;
  /** @throws {RunnerError} when the request has failed. */
  readonly read: () => Turn | Promise<Turn>;
}
