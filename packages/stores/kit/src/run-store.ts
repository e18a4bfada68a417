import type { RunListing } from '@stratagem/core';
import type { EventRecord } from './event-record.js';

/** A run whose lease was taken. */
export interface TakenRun {
  /** The number of the run in its store. */
  readonly run: number;
  /** The number of the lease: each new lease of a run has a higher one. */
  readonly token: number;
  /** The number of its events. */
  readonly events: number;
  readonly summary: RunListing;
}

/** A lease that is renewed. */
export interface HeldLease {
  readonly runId: string;
  readonly run: number;
  readonly token: number;
}

/** Events of one run that are appended together. */
export interface Append extends HeldLease {
  /** The position of the first of them. */
  readonly first: number;
  readonly records: readonly EventRecord[];
  /** The summary of the run after them, as JSON. */
  readonly summary: string;
  readonly hasEnded: boolean;
}

/** What a journal on a server does for the writers of its runs. */
export interface RunStore {
  readonly leaseMs: number;
  readonly isOpen: boolean;
  /**
   * Stores the events of several runs, those of each run at once or not at all. It is called again
   * with the same ones when nobody knows whether they were stored. An append counts only while its
   * token is that of the lease and its position is the end of the log.
   *
   * @returns For each of them, whether it is stored now; false when its lease was lost.
   * @throws {JournalError} once it has tried for long enough.
   */
  append(batch: readonly Append[]): Promise<readonly boolean[]>;
  /** Whether an error of `append` is the fault of no single run, such as a lost connection. */
  concernsAll(error: unknown): boolean;
  /**
   * Renews leases, those that are not lost, once.
   *
   * @param limitMs After so long without an answer it must reject, and give up the connections that the
   *   network may have lost: the next renewal comes in time on another one.
   */
  renew(leases: readonly HeldLease[], limitMs: number): Promise<void>;
  /** Releases a lease unless it was lost, and keeps the run from being claimed for a while. */
  release(lease: HeldLease, postponeMs: number | undefined): Promise<void>;
}
