import type { JournalError } from '@stratagem/core';
import type { Database } from './database.js';
import { isConnectionLoss, isRetryable } from './errors.js';
import { takenOverError } from './leases.js';
import type { EventRecord } from './records.js';

/** Events of one run that are appended together. */
export interface Append {
  readonly runId: string;
  readonly run: number;
  readonly token: number;
  /** The position of the first of them. */
  readonly first: number;
  readonly records: readonly EventRecord[];
  /** The summary of the run after them, as JSON. */
  readonly summary: string;
  readonly hasEnded: boolean;
}

interface Pending extends Append {
  readonly size: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Transactions under way at once; what is appended meanwhile shares the next one. */
const MAX_COMMITS = 2;
/** About how long the texts of one transaction may be. */
const MAX_SIZE = 2 ** 24;

/**
 * Appends events, those of several runs in one transaction. An append counts only while its token is
 * that of the lease and its position is the end of the log. So it may be sent again when its answer was
 * lost: it is stored once.
 */
export class Committer {
  readonly #database: Database;
  readonly #statement: string;
  #pending: Pending[] = [];
  #commits = 0;
  #isScheduled = false;

  constructor(database: Database) {
    this.#database = database;
    this.#statement = statementFor(database.schema);
  }

  /** Rejects with `run_locked` when the lease was lost. */
  commit(append: Append): Promise<void> {
    const size = append.records.reduce((sum, record) => sum + record.size, append.summary.length);
    return new Promise((resolve, reject) => {
      this.#pending.push({ ...append, size, resolve, reject });
      this.#schedule();
    });
  }

  /** Starts a transaction after this turn, so that runs that append together share it. */
  #schedule(): void {
    if (this.#isScheduled || this.#commits >= MAX_COMMITS || this.#pending.length === 0) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      const batch = this.#takeBatch();
      this.#commits++;
      void this.#commitAll(batch).finally(() => {
        this.#commits--;
        this.#schedule();
      });
      this.#schedule();
    });
  }

  #takeBatch(): Pending[] {
    let size = 0;
    const first = this.#pending.findIndex((each, index) => {
      size += each.size;
      return index > 0 && size > MAX_SIZE;
    });
    const count = first < 0 ? this.#pending.length : first;
    const batch = this.#pending.slice(0, count);
    this.#pending = this.#pending.slice(count);
    return batch;
  }

  async #commitAll(batch: readonly Pending[]): Promise<void> {
    try {
      await this.#database.retrying(() => this.#commitOnce(batch), {
        runId: batch.length === 1 ? batch[0]?.runId : undefined,
      });
    } catch (error) {
      const { cause } = error as JournalError;
      // The fault of one run, such as a value that the server refuses, must not end the others.
      const isShared = isConnectionLoss(cause) || isRetryable(cause) || !this.#database.isOpen;
      if (batch.length === 1 || isShared) for (const { reject } of batch) reject(error);
      else for (const each of batch) await this.#commitAll([each]);
    }
  }

  async #commitOnce(batch: readonly Pending[]): Promise<void> {
    const rows = await this.#database.queryOnce<{ run: string }>(
      this.#statement,
      parametersOf(batch),
    );
    const stored = new Set(rows.map(({ run }) => Number(run)));
    const others = batch.filter(({ run }) => !stored.has(run));
    const lost = others.length === 0 ? [] : await this.#lostAmong(others);
    for (const each of batch) {
      if (lost.includes(each)) each.reject(this.#errorFor(each));
      else each.resolve();
    }
  }

  /** Those that are not stored, because their lease was lost; others were stored by an earlier try. */
  async #lostAmong(batch: readonly Pending[]): Promise<Pending[]> {
    const { schema } = this.#database;
    const rows = await this.#database.queryOnce<{ run: string; token: string; events: string }>(
      `SELECT run, token, events FROM ${schema}.runs WHERE run = ANY($1::bigint[])`,
      [batch.map(({ run }) => run)],
    );
    const byRun = new Map(rows.map((row) => [Number(row.run), row]));
    return batch.filter(({ run, token, first, records }) => {
      const row = byRun.get(run);
      return Number(row?.token) !== token || Number(row?.events) !== first + records.length;
    });
  }

  #errorFor({ runId }: Pending): JournalError {
    return takenOverError(runId, this.#database.settings.leaseMs);
  }
}

function statementFor(schema: string): string {
  return `
    WITH given AS (
      SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::bool[])
        AS given (run, token, first, count, summary, has_ended)
    ), head AS (
      UPDATE ${schema}.runs r SET
        events = given.first + given.count, summary = given.summary, has_ended = given.has_ended,
        lease_until = clock_timestamp() + r.lease_ms * interval '1 ms'
      FROM given
      WHERE r.run = given.run AND r.token = given.token AND r.events = given.first
        AND r.owner IS NOT NULL
      RETURNING r.run
    ), new_contents AS (
      INSERT INTO ${schema}.contents (hash, text)
      SELECT hash, text FROM unnest($7::bytea[], $8::text[]) AS given (hash, text) ORDER BY hash
      ON CONFLICT DO NOTHING
    ), new_events AS (
      INSERT INTO ${schema}.events (run, position, size, event, content)
      SELECT run, position, size, event, content
      FROM unnest($9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::bytea[])
        AS given (run, position, size, event, content) JOIN head USING (run)
    ), new_completions AS (
      INSERT INTO ${schema}.completions (content_key, run, position)
      SELECT content_key, run, position FROM unnest($14::text[], $15::bigint[], $16::bigint[])
        AS given (content_key, run, position) JOIN head USING (run) ORDER BY content_key
      ON CONFLICT (content_key) DO UPDATE SET run = excluded.run, position = excluded.position
    )
    SELECT run FROM head`;
}

function parametersOf(batch: readonly Append[]): unknown[] {
  const contents = new Map<string, EventRecord['content']>();
  const completions = new Map<string, readonly [run: number, position: number]>();
  const rows = batch.flatMap(({ run, first, records }) =>
    records.map((record, index) => ({ ...record, run, position: first + index })),
  );
  for (const { content, contentKey, run, position } of rows) {
    if (content !== undefined) contents.set(content.hash.toString('base64'), content);
    if (contentKey !== undefined) completions.set(contentKey, [run, position]);
  }
  const unique = [...contents.values()];
  return [
    batch.map(({ run }) => run),
    batch.map(({ token }) => token),
    batch.map(({ first }) => first),
    batch.map(({ records }) => records.length),
    batch.map(({ summary }) => summary),
    batch.map(({ hasEnded }) => hasEnded),
    unique.map((content) => content?.hash),
    unique.map((content) => content?.text),
    rows.map(({ run }) => run),
    rows.map(({ position }) => position),
    rows.map(({ size }) => size),
    rows.map(({ event }) => event),
    rows.map(({ content }) => content?.hash ?? null),
    [...completions.keys()],
    [...completions.values()].map(([run]) => run),
    [...completions.values()].map(([, position]) => position),
  ];
}
