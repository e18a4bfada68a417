import type { EventData, JournalError, RunListing } from '@stratagem/core';
import {
  type ClaimedRun,
  journalErrors,
  type NewRun,
  newListing,
  type OpenedRun,
  type PendingRequest,
  type QueuedRun,
  type RecordedCompletion,
  type RunJournal,
  type RunQueue,
  type RunReply,
  type RunRequest,
  type SharedLimits,
} from '@stratagem/core/journal';
import {
  hasDied,
  lockedError,
  newOwner,
  type RunWriter,
  RunWriters,
  type TakenRun,
} from '@stratagem/store-kit';
import { appendAll } from './append.js';
import { Database } from './database.js';
import { isConnectionLoss, isRetryable } from './errors.js';
import { isFree, type LeaseRow, lease, releaseLease, renewLeases, takenOf } from './leases.js';
import { PostgresLimits } from './limits.js';
import { type PostgresJournalOptions, postgresSettings } from './options.js';
import { claimRun, submitRun } from './queue.js';
import { eventAt, pageOf } from './records.js';
import { pendingRequests, replyOf, storeReply, storeRequest } from './requests.js';

/** A journal and queue of runs, and the limits that its processes share. */
export interface PostgresJournal extends RunQueue {
  /** Limits over the connections of this journal: they end with it. */
  readonly limits: SharedLimits;
}

/**
 * Stores runs in PostgreSQL 15 or newer, for any number of processes on any number of machines. Each
 * run belongs to one process at a time. Runs can be queued, and are claimed by coordinators.
 *
 * Nothing connects before the first use. The tables are created when the first run is. Each method
 * rejects with a `JournalError`: `journal_read_only`, `journal_full`, `journal_corrupt`,
 * `journal_newer`, or `journal_failed`. No message contains the password.
 *
 * @throws {OptionError} when an option is unknown, missing or out of range.
 *
 * @example
 * await using journal = postgresJournal({ url: 'postgres://stratagem@db.example/runs' });
 * const executor = createExecutor({ strategy: parallel(), runner: openai(), journal });
 * const run = executor.execute(plan);
 * // After a crash, on another machine:
 * const result = await executor.resume(run.runId);
 */
export function postgresJournal(options: PostgresJournalOptions): PostgresJournal {
  return new Journal(postgresSettings('postgresJournal()', options));
}

class Journal implements PostgresJournal {
  readonly limits: SharedLimits;
  readonly #database: Database;
  readonly #writers: RunWriters;

  constructor(settings: ConstructorParameters<typeof Database>[0]) {
    const database = new Database(settings);
    this.#database = database;
    this.limits = new PostgresLimits(database, async () => {});
    this.#writers = new RunWriters({
      leaseMs: settings.leaseMs,
      get isOpen() {
        return database.isOpen;
      },
      append: (batch) =>
        database.retrying(() => appendAll(database, batch), {
          runId: batch.length === 1 ? batch[0]?.runId : undefined,
        }),
      concernsAll({ cause }: JournalError) {
        return isConnectionLoss(cause) || isRetryable(cause);
      },
      renew: (leases, limitMs) => renewLeases(database, leases, limitMs),
      release: (held, postponeMs) => releaseLease(database, held, postponeMs),
    });
  }

  async create(created: NewRun): Promise<RunJournal> {
    await this.#database.prepare();
    const { schema, settings } = this.#database;
    const { id } = created;
    const owner = newOwner();
    const summary = JSON.stringify(newListing(created));
    for (;;) {
      const [row] = await this.#database.query<LeaseRow>(
        `INSERT INTO ${schema}.runs AS r (id, summary) VALUES ($1, $2)
          ON CONFLICT (id) DO UPDATE SET summary = excluded.summary
            WHERE r.events = 0 AND r.tenant IS NULL AND (${isFree('r')} OR r.owner = $3)
          RETURNING run, token, events, summary`,
        [id, summary, owner],
        { runId: id },
      );
      const taken = row && (await this.#take(id, owner, 'r.events = 0 AND r.tenant IS NULL'));
      if (taken !== undefined) return this.#openWriter(taken);
      if (await this.#explain(id, settings.leaseMs, true)) continue;
      throw journalErrors.runExists(id);
    }
  }

  async open(runId: string): Promise<OpenedRun> {
    if (!(await this.#database.exists())) throw journalErrors.runNotFound(runId);
    const owner = newOwner();
    let taken = await this.#take(runId, owner);
    while (taken === undefined) {
      const mayRetry = await this.#explain(runId, this.#database.settings.leaseMs, false);
      taken = await this.#take(runId, owner);
      if (taken === undefined && !mayRetry) throw journalErrors.runLocked(runId);
    }
    return this.#opened(taken);
  }

  async *read(runId: string): AsyncGenerator<EventData> {
    if (!(await this.#database.exists())) throw journalErrors.runNotFound(runId);
    const { schema } = this.#database;
    const [row] = await this.#database.query<{ run: string; events: string }>(
      `SELECT run, events FROM ${schema}.runs WHERE id = $1`,
      [runId],
      { runId },
    );
    if (row === undefined) throw journalErrors.runNotFound(runId);
    yield* this.#events(runId, Number(row.run), Number(row.events));
  }

  async list(): Promise<readonly RunListing[]> {
    if (!(await this.#database.exists())) return [];
    const { schema } = this.#database;
    const rows = await this.#database.query<ListRow>(
      `SELECT summary, events, has_ended, tenant IS NOT NULL AS is_queued, NOT ${isFree('r')} AS is_held
        FROM ${schema}.runs r ORDER BY run DESC`,
    );
    return rows.map(listingOf).sort((a, b) => b.startedAt - a.startedAt);
  }

  async lookup(contentKey: string): Promise<RecordedCompletion | undefined> {
    if (!(await this.#database.exists())) return undefined;
    const { schema } = this.#database;
    const [row] = await this.#database.query<{ run: string; id: string; position: string }>(
      `SELECT run, id, position FROM ${schema}.completions JOIN ${schema}.runs USING (run)
        WHERE content_key = $1`,
      [contentKey],
    );
    if (row === undefined) return undefined;
    const { run, id, position } = row;
    const event = await eventAt(this.#database, Number(run), id, Number(position));
    if (event.contentKey === contentKey) return { runId: id, event };
    const where = `event ${position} of run "${id}" is not the completion that was looked up`;
    throw this.#database.corrupt(where, id);
  }

  async submit(run: QueuedRun): Promise<void> {
    // As text: the caller may change the run as soon as this returns.
    const submission = JSON.stringify(run);
    await this.#database.prepare();
    await submitRun(this.#database, JSON.parse(submission) as QueuedRun);
  }

  async claim(): Promise<ClaimedRun | undefined> {
    if (!(await this.#database.exists())) return undefined;
    const claimed = await claimRun(this.#database);
    if (claimed === undefined) return undefined;
    const { run, taken } = claimed;
    const opened = await this.#opened(taken);
    return { run, opened, postpone: (delayMs) => opened.release(delayMs) };
  }

  onQueued(wake: () => void): () => void {
    this.#database.requireOpen();
    return this.#database.listener.subscribe(({ kind }) => {
      if (kind === 'run') wake();
    });
  }

  async request(request: RunRequest): Promise<void> {
    if (!(await this.#database.exists())) throw journalErrors.runNotFound(request.runId);
    await storeRequest(this.#database, request);
  }

  async requests(runIds: readonly string[]): Promise<readonly PendingRequest[]> {
    if (!(await this.#database.exists())) return [];
    return pendingRequests(this.#database, runIds);
  }

  async reply(requestId: string, reply: RunReply): Promise<void> {
    await this.#database.prepare();
    await storeReply(this.#database, requestId, reply);
  }

  async replyTo(requestId: string): Promise<RunReply | undefined> {
    if (!(await this.#database.exists())) return undefined;
    return replyOf(this.#database, requestId);
  }

  onRequest(wake: () => void): () => void {
    this.#database.requireOpen();
    return this.#database.listener.subscribe(({ kind }) => {
      if (kind === 'request') wake();
    });
  }

  async close(): Promise<void> {
    if (!this.#database.isOpen) return;
    await this.#writers.close();
    await this.#database.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Takes the lease of a run when it is free; a retry finds the lease that it has taken already. */
  async #take(runId: string, owner: string, where = 'TRUE'): Promise<TakenRun | undefined> {
    const { schema, settings } = this.#database;
    const [row] = await this.#database.query<LeaseRow>(
      `UPDATE ${schema}.runs r SET token = r.token + 1, ${lease('$2', '$3')}
        WHERE r.id = $1 AND (${isFree('r')} OR r.owner = $2) AND ${where}
        RETURNING run, token, events, summary`,
      [runId, owner, Math.ceil(settings.leaseMs)],
      { runId },
    );
    return row && takenOf(row);
  }

  /**
   * Says why a lease could not be taken.
   *
   * @returns Whether it is free now; false when the run has another reason.
   * @throws {JournalError} `run_not_found` or `run_locked`.
   */
  async #explain(runId: string, leaseMs: number, isNew: boolean): Promise<boolean> {
    const { schema } = this.#database;
    const [row] = await this.#database.query<HolderRow>(
      `SELECT owner, token, events, tenant, NOT ${isFree('r')} AS is_held,
          extract(epoch FROM lease_until - clock_timestamp())::float8 * 1000 AS remaining_ms
        FROM ${schema}.runs r WHERE id = $1`,
      [runId],
      { runId },
    );
    if (row === undefined) {
      if (isNew) return true;
      throw journalErrors.runNotFound(runId);
    }
    const { owner, token, is_held: isHeld, remaining_ms: remainingMs } = row;
    if (isNew && row.tenant !== null) return false;
    if (!isHeld || owner === null) return !isNew || Number(row.events) === 0;
    if (!hasDied(owner)) {
      const isPlausible = remainingMs > 0 && remainingMs <= leaseMs;
      throw lockedError(runId, owner, isPlausible ? remainingMs : leaseMs);
    }
    await this.#database.query(
      `UPDATE ${schema}.runs SET owner = NULL WHERE id = $1 AND token = $2 AND owner = $3`,
      [runId, token, owner],
      { runId },
    );
    return true;
  }

  #opened(taken: TakenRun): Promise<OpenedRun & RunWriter> {
    this.#database.requireOpen();
    const { run, events, summary } = taken;
    return this.#writers.openWith(taken, this.#events(summary.id, run, events));
  }

  async *#events(runId: string, run: number, count: number): AsyncGenerator<EventData> {
    for (let next = 0; next < count; ) {
      const page = await pageOf(this.#database, run, runId, next, count);
      yield* page;
      next += page.length;
    }
  }

  #openWriter(taken: TakenRun): RunWriter {
    this.#database.requireOpen();
    return this.#writers.open(taken);
  }
}

interface HolderRow {
  readonly owner: string | null;
  readonly token: string;
  readonly events: string;
  readonly tenant: string | null;
  readonly is_held: boolean;
  readonly remaining_ms: number;
}

interface ListRow {
  readonly summary: string;
  readonly events: string;
  readonly has_ended: boolean;
  readonly is_queued: boolean;
  readonly is_held: boolean;
}

function listingOf(row: ListRow): RunListing {
  const summary = JSON.parse(row.summary) as RunListing;
  if (row.has_ended || row.is_held) return summary;
  const isWaiting = row.is_queued && Number(row.events) === 0;
  return { ...summary, status: isWaiting ? 'queued' : 'interrupted' };
}
