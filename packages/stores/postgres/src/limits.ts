import { OptionError } from '@stratagem/core';
import type { LimitedAmount, Reservation, SharedLimits } from '@stratagem/core/journal';
import type { Announcement } from '@stratagem/store-kit';
import type { Database } from './database.js';
import { channelOf } from './listener.js';

const MINUTE_MS = 60_000;
/** The time of the server as Unix time in milliseconds. */
const NOW_MS = '(extract(epoch FROM clock_timestamp())::float8 * 1000)';
/** A clock that was set back by more than this moves the schedules with it. */
const CLOCK_STEP_MS = 1_000;
/** PostgreSQL announces no longer texts; the pause holds all the same. */
const MAX_ANNOUNCEMENT = 7_999;

/** Each quantity of a resource is one row: the end of its schedule. */
export class PostgresLimits implements SharedLimits {
  readonly #database: Database;
  readonly #onClose: () => Promise<void>;

  constructor(database: Database, onClose: () => Promise<void>) {
    this.#database = database;
    this.#onClose = onClose;
  }

  async reserve(resource: string, amounts: readonly LimitedAmount[]): Promise<Reservation> {
    const quantities = amounts.map(({ quantity }) => quantity);
    if (new Set(quantities).size < quantities.length || quantities.includes('')) {
      throw new OptionError('reserve() takes each quantity once, by its name');
    }
    const costs = amounts.map(({ amount, perMinute }) => (amount / perMinute) * MINUTE_MS);
    await this.#database.prepare();
    const [row] = await this.#database.query<{
      readonly paused_ms: number | null;
      readonly ends: Readonly<Record<string, number>> | null;
    }>(reserveStatement(this.#database.schema), [resource, quantities, costs]);
    const aheadMs = quantities.map((quantity, index) =>
      Math.max(0, (row?.ends?.[quantity] as number) - (costs[index] as number)),
    );
    return { aheadMs, pausedMs: Math.max(0, row?.paused_ms ?? 0) };
  }

  async pause(resource: string, durationMs: number): Promise<void> {
    await this.#database.prepare();
    const { schema, settings } = this.#database;
    const announcement: Announcement = { kind: 'pause', resource, durationMs };
    const payload = JSON.stringify(announcement);
    const isShort = Buffer.byteLength(payload) <= MAX_ANNOUNCEMENT;
    await this.#database.query(
      `WITH paused AS (
          INSERT INTO ${schema}.limits AS l (resource, quantity, end_ms, at_ms)
          VALUES ($1, '', ${NOW_MS} + $2::float8, ${NOW_MS})
          ON CONFLICT (resource, quantity) DO UPDATE SET end_ms = excluded.end_ms, at_ms = excluded.at_ms
            WHERE l.end_ms < excluded.end_ms
          RETURNING end_ms
        )
        SELECT pg_notify($3, $4) FROM paused WHERE $5`,
      [resource, durationMs, channelOf(settings.schema), isShort ? payload : '', isShort],
    );
  }

  onPause(listener: (resource: string, durationMs: number) => void): () => void {
    this.#database.requireOpen();
    return this.#database.listener.subscribe((announcement) => {
      if (announcement.kind === 'pause') listener(announcement.resource, announcement.durationMs);
    });
  }

  close(): Promise<void> {
    return this.#onClose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * A reservation need not be on the disk: after a crash of the server, the schedule has lost less than a
 * second. The time is read again once the row is locked.
 */
function reserveStatement(schema: string): string {
  return `
    WITH relaxed AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),
    reserved AS (
      INSERT INTO ${schema}.limits AS l (resource, quantity, end_ms, at_ms)
      SELECT $1, given.quantity, clock.now + given.cost, clock.now
      FROM relaxed, (SELECT ${NOW_MS} AS now) AS clock,
        unnest($2::text[], $3::float8[]) AS given (quantity, cost)
      ORDER BY given.quantity
      ON CONFLICT (resource, quantity) DO UPDATE SET
        end_ms = excluded.end_ms - excluded.at_ms + greatest(${NOW_MS},
          l.end_ms - CASE WHEN l.at_ms > ${NOW_MS} + ${CLOCK_STEP_MS} THEN l.at_ms - ${NOW_MS} ELSE 0 END),
        at_ms = ${NOW_MS}
      RETURNING quantity, end_ms - at_ms AS ahead
    )
    SELECT
      (SELECT end_ms - ${NOW_MS} FROM ${schema}.limits WHERE resource = $1 AND quantity = '') AS paused_ms,
      (SELECT json_object_agg(quantity, ahead) FROM reserved) AS ends`;
}
