import { checkDuration, checkLimit } from '../contract/check-options.js';
import { OptionError, type RunnerError } from '../contract/errors.js';
import type { RunContext } from '../contract/run-context.js';
import type { TaskOutput, TaskRequest, TaskRunner } from '../contract/runner.js';
import { BatchQueue } from './batch-queue.js';
import type { Turn } from './conversation.js';

/** What a provider's Batch API does: all that differs between them. */
export interface BatchBackend {
  /** Begins each message: provider and model. */
  readonly label: string;
  /** The most requests in a job. */
  readonly maxRequests: number;
  /** The most bytes of all requests of a job, as JSON. */
  readonly maxBytes: number;
  /** Sends a job, and gives its id. */
  submit(requests: readonly BatchRequest[]): Promise<string>;
  /** How far a job is. */
  poll(jobId: string): Promise<BatchProgress>;
  /** Stops a job that nobody waits for any more. */
  cancel(jobId: string): Promise<void>;
}

/** One request of a job. */
export interface BatchRequest {
  /** Letters, digits and `-`, 64 at most; unique within the job. */
  readonly customId: string;
  readonly body: object;
}

/** How far a job is. */
export type BatchProgress =
  | { readonly ended: false }
  | {
      readonly ended: true;
      /** The results there are, in any order; asked for once. */
      readonly results: () => AsyncIterable<BatchResult>;
      /** What became of requests without a result, where the job as a whole says so. */
      readonly problem?: RunnerError;
    };

/** What became of one request. */
export interface BatchResult {
  readonly customId: string;
  /** @throws {RunnerError} when it has failed. */
  readonly read: () => Turn | Promise<Turn>;
}

/** The options that runners over Batch APIs have in common. */
export interface BatchOptions {
  /**
   * How long no further task has become ready before a job is sent, in milliseconds.
   * @default 1_000
   */
  readonly gatherMs?: number;
  /**
   * How often a job is asked how far it is, in milliseconds.
   * @default 30_000
   */
  readonly pollMs?: number;
  /**
   * The most requests in a job.
   * @default the provider's limit
   */
  readonly maxRequests?: number;
  /**
   * A file that remembers which requests were sent in which jobs, by their hashes: after a restart
   * the same requests wait for the same jobs instead of being paid twice. Of one process at a time.
   * @default nothing is remembered
   */
  readonly stateFile?: string;
  /**
   * What becomes of a job when no task waits for it any more.
   * @default 'keep' with a stateFile, 'cancel' without
   */
  readonly whenAbandoned?: 'keep' | 'cancel';
}

export const BATCH_OPTIONS: readonly (keyof BatchOptions)[] = [
  'gatherMs',
  'pollMs',
  'maxRequests',
  'stateFile',
  'whenAbandoned',
];

/** @throws {OptionError} when one of them is out of range. */
export function checkBatchOptions(owner: string, options: BatchOptions): void {
  const { gatherMs, pollMs, maxRequests, stateFile, whenAbandoned } = options;
  if (gatherMs !== undefined) checkDuration(owner, 'gatherMs', gatherMs);
  if (pollMs !== undefined) checkDuration(owner, 'pollMs', pollMs);
  if (maxRequests !== undefined) checkLimit(owner, 'maxRequests', maxRequests);
  if (stateFile !== undefined && (typeof stateFile !== 'string' || stateFile === '')) {
    throw new OptionError(`${owner}: stateFile must be the path of a file`);
  }
  if (whenAbandoned !== undefined && whenAbandoned !== 'keep' && whenAbandoned !== 'cancel') {
    throw new OptionError(`${owner}: whenAbandoned must be 'keep' or 'cancel'`);
  }
}

/** What is sent for a request, and how its answer is read. */
export interface PreparedRequest {
  readonly body: object;
  readonly finish: (turn: Turn) => TaskOutput;
}

/** What a provider brings to {@link batchRunner}. */
export interface BatchProvider {
  readonly name: string;
  readonly resource: string;
  readonly settings: Readonly<Record<string, unknown>>;
  /** Asked for with the first request: it may take a key, or an SDK that takes long to load. */
  readonly connect: () => Promise<BatchBackend>;
  readonly prepare: (request: TaskRequest) => Promise<PreparedRequest>;
}

/**
 * A runner over a Batch API: gathers requests into jobs, asks now and then how far these are, and
 * gives each task its result.
 */
export function batchRunner(provider: BatchProvider, options: BatchOptions): TaskRunner {
  const { name, resource, settings, connect, prepare } = provider;
  let connecting: Promise<BatchQueue> | undefined;
  return {
    name,
    resource,
    settings,
    supportsTools: false,
    async run(request: TaskRequest, context: RunContext): Promise<TaskOutput> {
      connecting ??= connect().then((backend) => new BatchQueue(backend, options));
      // A key that is missing now may be there for the next attempt.
      const queue = await connecting.catch((thrown) => {
        connecting = undefined;
        throw thrown;
      });
      const { body, finish } = await prepare(request);
      const turn = await queue.answer(body, context.signal, (message) => {
        context.emit({ kind: 'notice', source: name, message });
      });
      const output = finish(turn);
      if (turn.text !== '') await context.emit(turn.text);
      return output;
    },
  };
}
