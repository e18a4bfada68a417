import {
  journalErrors,
  type PendingRequest,
  type RunAction,
  type RunReply,
  type RunRequest,
} from '@stratagem/core/journal';
import { endedReply, REQUEST_ANNOUNCEMENT } from '@stratagem/store-kit';
import type { Database } from './database.js';
import { isFree } from './leases.js';
import { channelOf } from './listener.js';

/** How long replies are kept. */
const KEPT = `interval '1 day'`;

/**
 * Stores a request to the process that carries a run out.
 *
 * @throws {JournalError} `run_not_found`, `run_not_queued`; and `run_ended`.
 */
export async function storeRequest(database: Database, request: RunRequest): Promise<void> {
  const { schema, settings } = database;
  const { id, runId, action } = request;
  // The row is locked, so that no append ends the run meanwhile. The index of old replies is used only with
  // its own condition, and with a time that stays the same for the statement.
  const [made] = await database.query(
    `WITH asked AS (
        SELECT run, events FROM ${schema}.runs
        WHERE id = $2 AND tenant IS NOT NULL AND NOT has_ended FOR SHARE
      ), made AS (
        INSERT INTO ${schema}.requests (id, run, action, position)
        SELECT $1, run, $3, events FROM asked ON CONFLICT (id) DO NOTHING
        RETURNING id
      ), forgotten AS (
        DELETE FROM ${schema}.requests WHERE reply IS NOT NULL AND replied_at < now() - ${KEPT}
      )
      SELECT id, pg_notify($4, $5) FROM made`,
    [id, runId, JSON.stringify(action), channelOf(settings.schema), REQUEST_ANNOUNCEMENT],
    { runId },
  );
  if (made === undefined) await requireStored(database, request);
}

async function requireStored(database: Database, { id, runId }: RunRequest): Promise<void> {
  const { schema } = database;
  const [row] = await database.query<{ is_queued: boolean | null; is_stored: boolean }>(
    `SELECT (SELECT tenant IS NOT NULL FROM ${schema}.runs WHERE id = $2) AS is_queued,
      EXISTS (SELECT FROM ${schema}.requests WHERE id = $1) AS is_stored`,
    [id, runId],
    { runId },
  );
  if (row?.is_stored) return;
  if (row?.is_queued == null) throw journalErrors.runNotFound(runId);
  throw row.is_queued ? journalErrors.runEnded(runId) : journalErrors.runNotQueued(runId);
}

/** The requests of these runs that nobody has replied to. */
export async function pendingRequests(
  database: Database,
  runIds: readonly string[],
): Promise<readonly PendingRequest[]> {
  const { schema } = database;
  const rows = await database.query<{
    readonly id: string;
    readonly run_id: string;
    readonly action: string;
    readonly position: string;
  }>(
    `SELECT q.id, r.id AS run_id, q.action, q.position
      FROM ${schema}.requests q JOIN ${schema}.runs r USING (run)
      WHERE r.id = ANY($1::text[]) AND q.reply IS NULL ORDER BY q.number`,
    [runIds],
  );
  return rows.map(({ id, run_id: runId, action, position }) => ({
    ...{ id, runId, position: Number(position) },
    action: JSON.parse(action) as RunAction,
  }));
}

/** Stores the first reply to a request. */
export async function storeReply(
  database: Database,
  requestId: string,
  reply: RunReply,
): Promise<void> {
  const { schema, settings } = database;
  await database.query(
    `WITH replied AS (
        UPDATE ${schema}.requests SET reply = $2, replied_at = clock_timestamp()
        WHERE id = $1 AND reply IS NULL RETURNING id
      )
      SELECT pg_notify($3, $4) FROM replied`,
    [requestId, JSON.stringify(reply), channelOf(settings.schema), REQUEST_ANNOUNCEMENT],
  );
}

/** The reply to a request; that of a run which has ended, and which nobody writes, is that it has ended. */
export async function replyOf(
  database: Database,
  requestId: string,
): Promise<RunReply | undefined> {
  const { schema } = database;
  const [row] = await database.query<{
    readonly reply: string | null;
    readonly run_id: string;
    readonly is_over: boolean;
  }>(
    `SELECT q.reply, r.id AS run_id, r.has_ended AND ${isFree('r')} AS is_over
      FROM ${schema}.requests q JOIN ${schema}.runs r USING (run) WHERE q.id = $1`,
    [requestId],
  );
  if (row === undefined) return undefined;
  if (row.reply !== null) return JSON.parse(row.reply) as RunReply;
  return row.is_over ? endedReply(row.run_id) : undefined;
}
