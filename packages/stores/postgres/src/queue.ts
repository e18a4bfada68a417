import { journalErrors, newListing, type QueuedRun } from '@stratagem/core/journal';
import { lockedError, newOwner, RUN_ANNOUNCEMENT, type TakenRun } from '@stratagem/store-kit';
import type { Database } from './database.js';
import { isFree, type LeaseRow, lease, takenOf } from './leases.js';
import { channelOf } from './listener.js';

/** Runs of one tenant that are looked at: others may be claiming the first ones right now. */
const CANDIDATES = 8;

/**
 * Queues a run.
 *
 * @throws {JournalError} `run_exists` or `run_locked`.
 */
export async function submitRun(database: Database, queued: QueuedRun): Promise<void> {
  const { schema, settings } = database;
  const { id, goal, createdAt, tenant = '' } = queued;
  // A retry recognizes what it has submitted.
  const submitter = crypto.randomUUID();
  const [row] = await database.query<{ run: string }>(
    `WITH submitted AS (
        INSERT INTO ${schema}.runs AS r (id, summary, tenant, submission, submitter)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (id) DO UPDATE SET summary = excluded.summary, tenant = excluded.tenant,
            submission = excluded.submission, submitter = excluded.submitter,
            token = r.token + 1, owner = NULL, postponed_until = NULL
          WHERE r.events = 0 AND r.tenant IS NULL AND ${isFree('r')}
        RETURNING run
      )
      SELECT run, pg_notify($6, $7) FROM submitted`,
    [
      ...[id, JSON.stringify(newListing({ id, goal, createdAt })), tenant],
      ...[JSON.stringify(queued), submitter, channelOf(settings.schema), RUN_ANNOUNCEMENT],
    ],
    { runId: id },
  );
  if (row === undefined) await requireSubmitted(database, id, submitter);
}

async function requireSubmitted(database: Database, id: string, submitter: string): Promise<void> {
  const { schema, settings } = database;
  const [row] = await database.query<{
    readonly submitter: string | null;
    readonly tenant: string | null;
    readonly events: string;
    readonly owner: string | null;
  }>(`SELECT submitter, tenant, events, owner FROM ${schema}.runs WHERE id = $1`, [id], {
    runId: id,
  });
  if (row?.submitter === submitter) return;
  const isRecorded = row === undefined || row.tenant !== null || Number(row.events) > 0;
  if (isRecorded || row.owner === null) throw journalErrors.runExists(id);
  throw lockedError(id, row.owner, settings.leaseMs);
}

/** A claimed run, before its events are read. */
interface Claimed {
  readonly run: QueuedRun;
  readonly taken: TakenRun;
}

interface ClaimRow extends LeaseRow {
  readonly submission: string;
}

/** Takes the lease of the next queued run; undefined when there is none. */
export async function claimRun(database: Database): Promise<Claimed | undefined> {
  const { schema, settings } = database;
  const owner = newOwner();
  const values = [owner, Math.ceil(settings.leaseMs)];
  const fields = 'r.run, r.token, r.events, r.summary, r.submission';
  let tries = 0;
  const [row] = await database.retrying(async () => {
    if (tries++ > 0) {
      // The answer to the first try was lost: it may have claimed one.
      const found = await database.queryOnce<ClaimRow>(
        `SELECT ${fields} FROM ${schema}.runs r
          WHERE r.owner = $1 AND r.tenant IS NOT NULL AND NOT r.has_ended`,
        [owner],
      );
      if (found.length > 0) return found;
    }
    return database.queryOnce<ClaimRow>(claimStatement(schema, fields), values);
  });
  if (row === undefined) return undefined;
  return { run: JSON.parse(row.submission) as QueuedRun, taken: takenOf(row) };
}

/**
 * The tenants come from one look into the index each, however many runs wait. Rows that others are
 * claiming are skipped, and the row is checked again once it is locked.
 */
function claimStatement(schema: string, fields: string): string {
  const runs = `${schema}.runs`;
  const isClaimable = (row: string) =>
    `${isFree(row)} AND (${row}.postponed_until IS NULL OR ${row}.postponed_until <= clock_timestamp())`;
  return `
    WITH RECURSIVE tenants AS (
      (SELECT r.tenant FROM ${runs} r WHERE r.tenant IS NOT NULL AND NOT r.has_ended
        ORDER BY r.tenant LIMIT 1)
      UNION ALL
      SELECT (SELECT r.tenant FROM ${runs} r WHERE r.tenant > t.tenant AND NOT r.has_ended
        ORDER BY r.tenant LIMIT 1)
      FROM tenants t WHERE t.tenant IS NOT NULL
    ), under_way AS (
      SELECT r.tenant, count(*) AS count FROM ${runs} r
      WHERE r.tenant IS NOT NULL AND NOT r.has_ended AND r.owner IS NOT NULL AND NOT ${isFree('r')}
      GROUP BY r.tenant
    ), chosen AS (
      SELECT r.run FROM tenants t LEFT JOIN under_way u USING (tenant)
      CROSS JOIN LATERAL (
        SELECT c.run FROM ${runs} c
        WHERE c.tenant = t.tenant AND NOT c.has_ended AND ${isClaimable('c')}
        ORDER BY c.run LIMIT ${CANDIDATES}
      ) AS candidate
      JOIN ${runs} r ON r.run = candidate.run
      WHERE NOT r.has_ended AND ${isClaimable('r')}
      ORDER BY coalesce(u.count, 0), r.run LIMIT 1
      FOR UPDATE OF r SKIP LOCKED
    )
    UPDATE ${runs} r SET token = r.token + 1, ${lease('$1', '$2')}
    FROM chosen WHERE r.run = chosen.run
    RETURNING ${fields}`;
}
