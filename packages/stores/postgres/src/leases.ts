import type { RunListing } from '@stratagem/core';
import { type HeldLease, RUN_ANNOUNCEMENT, type TakenRun } from '@stratagem/store-kit';
import type { Database } from './database.js';
import { channelOf } from './listener.js';

/**
 * Whether the lease of a row has not been renewed in time, by the clock of the server. Right after the
 * server has started, nobody had the time to renew one.
 */
function isExpired(row: string): string {
  const lease = `${row}.lease_ms * interval '1 ms'`;
  return `(${row}.lease_until <= clock_timestamp() AND pg_postmaster_start_time() + ${lease} <= clock_timestamp())`;
}

/** SQL: whether nobody writes the run of a row. */
export function isFree(row: string): string {
  return `(${row}.owner IS NULL OR ${isExpired(row)})`;
}

/** SQL: assigns the lease to the owner in the parameter, for the milliseconds in the other one. */
export function lease(owner: string, leaseMs: string): string {
  const until = `clock_timestamp() + ${leaseMs}::int * interval '1 ms'`;
  return `owner = ${owner}, lease_ms = ${leaseMs}, lease_until = ${until}, postponed_until = NULL`;
}

/** Renews leases. An append has locked its row, and renews the lease itself. */
export async function renewLeases(
  database: Database,
  leases: readonly HeldLease[],
  limitMs: number,
): Promise<void> {
  const { schema } = database;
  await database.queryWithin(
    limitMs,
    `WITH mine AS (
        SELECT r.run FROM ${schema}.runs r
        JOIN unnest($1::bigint[], $2::bigint[]) AS held (run, token) USING (run, token)
        WHERE r.owner IS NOT NULL FOR UPDATE OF r SKIP LOCKED
      )
      UPDATE ${schema}.runs r SET lease_until = clock_timestamp() + r.lease_ms * interval '1 ms'
      FROM mine WHERE r.run = mine.run`,
    [leases.map(({ run }) => run), leases.map(({ token }) => token)],
  );
}

/** How long the release of a lease is tried; it expires anyway. */
const RELEASE_MS = 5_000;

/** Releases a lease. Others that wait for a run are notified, unless it has ended or was never queued. */
export async function releaseLease(
  database: Database,
  { run, token }: HeldLease,
  postponeMs: number | undefined,
): Promise<void> {
  const { schema, settings } = database;
  await database.query(
    `WITH released AS (
        UPDATE ${schema}.runs SET owner = NULL, lease_until = NULL,
          postponed_until = clock_timestamp() + $3::float8 * interval '1 ms'
        WHERE run = $1 AND token = $2 AND owner IS NOT NULL
        RETURNING tenant, has_ended
      )
      SELECT pg_notify($4, $5) FROM released WHERE tenant IS NOT NULL AND NOT has_ended`,
    [run, token, postponeMs ?? null, channelOf(settings.schema), RUN_ANNOUNCEMENT],
    { forMs: Math.min(RELEASE_MS, settings.reconnectMs) },
  );
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
