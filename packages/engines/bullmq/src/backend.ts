import type { BackendFactory, IQueueBackend } from 'bullmq';
import type { Bus } from './bus.js';

/** Connections to one kind of server. */
export interface Backend {
  readonly bus: Bus;
  /** Connects, and prepares what the server needs. Rejects with an error that has a remedy. */
  ready(): Promise<void>;
  /**
   * By how much the clock of this machine is ahead of the one by which locks of jobs end, in milliseconds;
   * what may be due to the network does not count.
   */
  clockAheadMs(): Promise<number>;
  /**
   * How BullMQ connects.
   *
   * @param isDurable Whether a crash of the server must not take what was acknowledged, as far as the
   *   server can do that.
   */
  connection(isDurable: boolean): unknown;
  readonly factory: BackendFactory<IQueueBackend, unknown> | undefined;
  close(): Promise<void>;
}
