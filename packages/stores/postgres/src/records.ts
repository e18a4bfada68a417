import { createHash } from 'node:crypto';
import type { EventData, Json } from '@stratagem/core';
import type { Database } from './database.js';

/** The field of each event type that may be large and repeated in many events. */
const CONTENT_FIELDS: Readonly<Record<string, string>> = {
  task_completed: 'output',
  run_started: 'plan',
};
/** From this length on, a reference takes less space than a copy. */
const MIN_CONTENT_LENGTH = 200;
/** The limits of a page of events, so that reading does not fill the memory. */
const MAX_PAGE = 1_000;
const MAX_PAGE_SIZE = 2 ** 22;

/** An event as text. JSON writes lone surrogates and the character 0 as escapes, so every text is valid. */
export interface EventRecord {
  readonly size: number;
  readonly event: string;
  readonly content: { readonly hash: Buffer; readonly text: string } | undefined;
  readonly contentKey: string | undefined;
}

/** A row of the events table, with the content that it refers to. */
interface EventRow {
  readonly position: string;
  readonly event: string;
  readonly has_content: boolean;
  readonly text: string | null;
}

export function recordOf(data: EventData): EventRecord {
  const field = CONTENT_FIELDS[data.type];
  const text = field === undefined ? undefined : JSON.stringify(data[field]);
  const { contentKey } = data;
  if (field === undefined || text === undefined || text.length < MIN_CONTENT_LENGTH) {
    const event = JSON.stringify(data);
    return { size: event.length, event, content: undefined, contentKey };
  }
  const event = JSON.stringify({ ...data, [field]: undefined });
  const hash = createHash('sha256').update(text).digest();
  return { size: event.length + text.length, event, content: { hash, text }, contentKey };
}

function eventOf({ event, text }: EventRow): EventData {
  const data = JSON.parse(event) as EventData;
  const field = CONTENT_FIELDS[data.type];
  if (text === null || field === undefined) return data;
  return { ...data, [field]: JSON.parse(text) as Json };
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
  if (rows.length > 0) return rows.map(eventOf);
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
  return eventOf(row);
}

function requireWhole(database: Database, runId: string, row: EventRow, position: number): void {
  const isThere = Number(row.position) === position && (!row.has_content || row.text !== null);
  if (!isThere) throw database.corrupt(`event ${position} of run "${runId}" is missing`, runId);
}
