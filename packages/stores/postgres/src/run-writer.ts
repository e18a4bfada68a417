import type { EventData, RunListing } from '@stratagem/core';
import { journalErrors, listingAfter, type RunJournal } from '@stratagem/core/journal';
import type { Committer } from './committer.js';
import type { Database } from './database.js';
import type { LeaseKeeper } from './leases.js';
import { channelOf } from './listener.js';
import { recordOf } from './records.js';

/** A run whose lease was taken. */
export interface TakenRun {
  readonly run: number;
  readonly token: number;
  /** The number of its events. */
  readonly events: number;
  readonly summary: RunListing;
}

/** A row whose lease was taken, as the server returns it. */
export interface LeaseRow {
  readonly run: string;
  readonly token: string;
  readonly events: string;
  readonly summary: string;
}

export function takenOf({ run, token, events, summary }: LeaseRow): TakenRun {
  return {
    run: Number(run),
    token: Number(token),
    events: Number(events),
    summary: JSON.parse(summary) as RunListing,
  };
}

/** How long the release of a lease is tried; it expires anyway. */
const RELEASE_MS = 5_000;

const ENDED: ReadonlySet<string> = new Set(['completed', 'failed', 'canceled']);

/** What a writer needs of its journal. */
export interface WriterParts {
  readonly database: Database;
  readonly committer: Committer;
  readonly leases: LeaseKeeper;
  readonly onClose: (writer: RunWriter) => void;
}

/** Appends to a run while it holds the lease. */
export class RunWriter implements RunJournal {
  readonly runId: string;
  readonly #parts: WriterParts;
  #taken: TakenRun;
  #isOpen = true;
  #pending: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(taken: TakenRun, parts: WriterParts) {
    this.runId = taken.summary.id;
    this.#taken = taken;
    this.#parts = parts;
    parts.leases.keep(taken.run, taken.token);
  }

  append(events: readonly EventData[]): void | Promise<void> {
    if (!this.#isOpen) throw journalErrors.closed(this.runId);
    if (events.length === 0) return;
    const { run, token, events: first, summary: before } = this.#taken;
    const summary = events.reduce(listingAfter, before);
    const appended = this.#parts.committer.commit({
      ...{ runId: this.runId, run, token, first },
      // As text: the caller may change the events as soon as this returns.
      records: events.map(recordOf),
      summary: JSON.stringify(summary),
      hasEnded: ENDED.has(summary.status),
    });
    this.#pending = appended.then(() => {
      this.#taken = { run, token, events: first + events.length, summary };
    });
    return this.#pending;
  }

  /** Releases the lease once pending appends have ended. */
  close(): Promise<void> {
    return this.release(undefined);
  }

  /** Releases the lease, and keeps the run from being claimed for a while. */
  release(postponeMs: number | undefined): Promise<void> {
    this.#closed ??= this.#release(postponeMs);
    return this.#closed;
  }

  async #release(postponeMs: number | undefined): Promise<void> {
    this.#isOpen = false;
    await this.#pending?.catch(() => {});
    const { database, leases, onClose } = this.#parts;
    const { run, token } = this.#taken;
    const { schema, settings } = database;
    leases.release(run, token);
    // Others that wait for a run hear of it, unless it has ended or was never queued.
    await database
      .query(
        `WITH released AS (
            UPDATE ${schema}.runs SET owner = NULL, lease_until = NULL,
              postponed_until = clock_timestamp() + $3::float8 * interval '1 ms'
            WHERE run = $1 AND token = $2 AND owner IS NOT NULL
            RETURNING tenant, has_ended
          )
          SELECT pg_notify($4, $5) FROM released WHERE tenant IS NOT NULL AND NOT has_ended`,
        [run, token, postponeMs ?? null, channelOf(settings.schema), '{"kind":"run"}'],
        { forMs: Math.min(RELEASE_MS, settings.reconnectMs) },
      )
      .catch(() => {});
    onClose(this);
  }
}
