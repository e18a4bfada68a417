import type { Journal, Json, NewRun, OpenedRun } from './journal.js';
import type { PendingRequest, RunReply, RunRequest } from './run-request.js';

/** A run that waits until a process claims it. Plain JSON. */
export interface QueuedRun extends NewRun {
  /** The plan, as in a plan file. */
  readonly plan: Json;
  /** Values for the inputs of the plan. Never secret ones: those come from the environment. */
  readonly inputs?: Json | undefined;
  /** Options of the run, such as `maxParallel`. */
  readonly options?: Json | undefined;
  /**
   * The customer, team or user of the run, in at most 200 characters. Tenants that have waiting runs
   * get equal shares.
   * @default ''
   */
  readonly tenant?: string | undefined;
}

/** A queued run whose lease was taken. Appending, closing and losing the lease work as in `Journal`. */
export interface ClaimedRun {
  /** The run as it was submitted. */
  readonly run: QueuedRun;
  /** Its record, with the events of earlier claims. */
  readonly opened: OpenedRun;
  /**
   * Releases the lease, and keeps the run from being claimed for so many milliseconds: for a run that
   * cannot be carried out here.
   */
  postpone(delayMs: number): Promise<void>;
}

/**
 * A journal that also queues runs, for any number of processes. A run stays in the queue until it has
 * ended: when its process dies or releases it, another process may claim it.
 *
 * `runQueueConformance` tests your own. Every method rejects with a `JournalError`.
 */
export interface RunQueue extends Journal {
  /**
   * Queues a run. It is durable when the promise resolves.
   *
   * Rejects with `run_exists` when there is a queued run with that id, or one with events, and with
   * `run_locked` while another writer has the lease of that id.
   */
  submit(run: QueuedRun): Promise<void>;
  /**
   * Takes the lease of a queued run that has not ended and that nobody writes: of the tenant with the
   * fewest claimed runs, and of that tenant the one that was submitted first. No run is claimed by two.
   *
   * @returns undefined when there is no such run.
   */
  claim(): Promise<ClaimedRun | undefined>;
  /**
   * Calls the function when a run may have become claimable. It may be called late, too often, or not
   * at all: look from time to time as well.
   *
   * @returns Ends the calls.
   */
  onQueued(wake: () => void): () => void;
  /**
   * Asks the process that carries a queued run out for something. It is durable when the promise
   * resolves, and stays until somebody replies. One with the id of an earlier one is that one.
   *
   * Rejects with `run_not_found`, with `run_not_queued` when the run was never submitted, and with
   * `run_ended`.
   */
  request(request: RunRequest): Promise<void>;
  /** The requests of these runs that nobody has replied to, in the order in which they were made. */
  requests(runIds: readonly string[]): Promise<readonly PendingRequest[]>;
  /** Replies to a request; the first reply counts. It may be forgotten a day later. */
  reply(requestId: string, reply: RunReply): Promise<void>;
  /**
   * The reply to a request; undefined until there is one. A run that has ended and that nobody writes
   * replies with `run_ended`.
   */
  replyTo(requestId: string): Promise<RunReply | undefined>;
  /**
   * Calls the function when there may be a request or a reply. It may be called late, too often, or not
   * at all: look from time to time as well.
   *
   * @returns Ends the calls.
   */
  onRequest(wake: () => void): () => void;
}
