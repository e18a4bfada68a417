import { checkDuration, checkLimit } from '../contract/check-options.js';
import { OptionError } from '../contract/errors.js';

/** The options that all runners over Batch APIs share. */
export interface BatchOptions {
  /**
   * A job is sent when no further task has become ready for this long, in milliseconds.
   * @default 1_000
   */
  readonly batchWindowMs?: number | undefined;
  /**
   * Interval between questions about the state of a job, in milliseconds.
   * @default 30_000
   */
  readonly pollMs?: number | undefined;
  /**
   * Maximum requests in a job.
   * @default the provider's limit
   */
  readonly maxRequests?: number | undefined;
  /**
   * A file that records which job contains which request, by hashes. After a restart, equal requests
   * wait for the job that was sent before instead of being paid for twice. One process at a time may
   * use it.
   * @default nothing is recorded
   */
  readonly stateFile?: string | undefined;
  /**
   * Whether a job is canceled when no task waits for it any more.
   * @default 'keep' with a stateFile, 'cancel' without
   */
  readonly onAbandoned?: 'keep' | 'cancel' | undefined;
}

export const BATCH_OPTIONS: readonly (keyof BatchOptions)[] = [
  'batchWindowMs',
  'pollMs',
  'maxRequests',
  'stateFile',
  'onAbandoned',
];

/** @throws {OptionError} when one of them is out of range. */
export function checkBatchOptions(owner: string, options: BatchOptions): void {
  const { batchWindowMs, pollMs, maxRequests, stateFile, onAbandoned } = options;
  if (batchWindowMs !== undefined) checkDuration(owner, 'batchWindowMs', batchWindowMs);
  if (pollMs !== undefined) checkDuration(owner, 'pollMs', pollMs);
  if (maxRequests !== undefined) checkLimit(owner, 'maxRequests', maxRequests);
  if (stateFile !== undefined && (typeof stateFile !== 'string' || stateFile === '')) {
    throw new OptionError(`${owner}: stateFile must be the path of a file`);
  }
  if (onAbandoned !== undefined && onAbandoned !== 'keep' && onAbandoned !== 'cancel') {
    throw new OptionError(`${owner}: onAbandoned must be 'keep' or 'cancel'`);
  }
}
