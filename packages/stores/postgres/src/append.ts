import type { Append, EventRecord } from '@stratagem/store-kit';
import type { Database } from './database.js';

/**
 * Stores the events of several runs in one transaction.
 *
 * @returns For each of them, whether it is stored, now or by an earlier try; false when its lease was lost.
 */
export async function appendAll(
  database: Database,
  batch: readonly Append[],
): Promise<readonly boolean[]> {
  const statement = statementFor(database.schema);
  const rows = await database.queryOnce<{ run: string }>(statement, parametersOf(batch));
  const stored = new Set(rows.map(({ run }) => Number(run)));
  const others = batch.filter(({ run }) => !stored.has(run));
  const lost = others.length === 0 ? [] : await lostAmong(database, others);
  return batch.map((each) => !lost.includes(each));
}

/** Those that are not stored, because their lease was lost; others were stored by an earlier try. */
async function lostAmong(database: Database, batch: readonly Append[]): Promise<Append[]> {
  const rows = await database.queryOnce<{ run: string; token: string; events: string }>(
    `SELECT run, token, events FROM ${database.schema}.runs WHERE run = ANY($1::bigint[])`,
    [batch.map(({ run }) => run)],
  );
  const byRun = new Map(rows.map((row) => [Number(row.run), row]));
  return batch.filter(({ run, token, first, records }) => {
    const row = byRun.get(run);
    return Number(row?.token) !== token || Number(row?.events) !== first + records.length;
  });
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
    if (content !== undefined) contents.set(content.hash, content);
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
    unique.map(bytesOf),
    unique.map((content) => content?.text),
    rows.map(({ run }) => run),
    rows.map(({ position }) => position),
    rows.map(({ size }) => size),
    rows.map(({ event }) => event),
    rows.map(({ content }) => bytesOf(content)),
    [...completions.keys()],
    [...completions.values()].map(([run]) => run),
    [...completions.values()].map(([, position]) => position),
  ];
}

function bytesOf(content: EventRecord['content']): Buffer | null {
  return content === undefined ? null : Buffer.from(content.hash, 'base64url');
}
