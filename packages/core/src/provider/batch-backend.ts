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
  /** Sends a job, and returns its id. */
  submit(requests: readonly BatchRequest[]): Promise<string>;
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
