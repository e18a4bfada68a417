import type { EventData } from '@stratagem/core';
import { eventOf } from '@stratagem/store-kit';
import type { Database } from './database.js';

/** The limits of a page of events, so that reading does not fill the memory. */
const MAX_PAGE = 1_000;
const MAX_PAGE_SIZE = 2 ** 22;

/** A row of the events table, with the content that it refers to. */
interface EventRow {
  readonly position: string;
  readonly event: string;
  readonly has_content: boolean;
  readonly text: string | null;
}

/**
 * The events of a run from a position on: some of them, so that a page is not too large.
 *
 * @param count The number of events of the run; those that were appended meanwhile are left out.
 * @throws {JournalError} `journal_corrupt` when one is missing.
 */
export async function pageOf(
  database: Database,
  run: number,
  runId: string,
  from: number,
  count: number,
): Promise<EventData[]> {
  const { schema } = database;
  // Only the sizes are added up for the events that are left out.
  const rows = await database.query<EventRow>(
    `SELECT position, event, content IS NOT NULL AS has_content, text
      FROM (
        SELECT position, event, content, sum(size) OVER (ORDER BY position) - size AS before
        FROM ${schema}.events WHERE run = $1 AND position >= $2 AND position < $3
      ) AS page LEFT JOIN ${schema}.contents ON hash = content
      WHERE before < ${MAX_PAGE_SIZE} ORDER BY position`,
    [run, from, Math.min(count, from + MAX_PAGE)],
    { runId },
  );
  for (const [index, row] of rows.entries()) requireWhole(database, runId, row, from + index);
  if (rows.length > 0) return rows.map(({ event, text }) => eventOf(event, text));
  throw database.corrupt(`event ${from} of run "${runId}" is missing`, runId);
}

/** @throws {JournalError} `journal_corrupt` when it is missing. */
export async function eventAt(
  database: Database,
  run: number,
  runId: string,
  position: number,
): Promise<EventData> {
  const { schema } = database;
  const [row] = await database.query<EventRow>(
    `SELECT position, event, content IS NOT NULL AS has_content, text
      FROM ${schema}.events LEFT JOIN ${schema}.contents ON hash = content
      WHERE run = $1 AND position = $2`,
    [run, position],
    { runId },
  );
  if (row === undefined) {
    throw database.corrupt(`event ${position} of run "${runId}" is missing`, runId);
  }
  requireWhole(database, runId, row, position);
  return eventOf(row.event, row.text);
}

function requireWhole(database: Database, runId: string, row: EventRow, position: number): void {
  const isThere = Number(row.position) === position && (!row.has_content || row.text !== null);
  if (!isThere) throw database.corrupt(`event ${position} of run "${runId}" is missing`, runId);
}
