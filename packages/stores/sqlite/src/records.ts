import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { EventData, Json } from '@stratagem/core';
import type { Database } from './database.js';
import { CorruptionError } from './errors.js';

/** The field of each event type that may be large and repeated in many events. */
const CONTENT_FIELDS: Readonly<Record<string, string>> = {
  task_completed: 'output',
  run_started: 'plan',
};
/** From this length on, a reference takes less space than a copy. */
const MIN_CONTENT_LENGTH = 200;

/** A row of the events table, with the content that it refers to. */
export interface EventRow {
  readonly position: number;
  readonly event: string;
  readonly content: number | null;
  readonly text: string | null;
  readonly checksum: number;
}

/** Selects {@link EventRow}s. Columns are listed, so that a damaged column name is an error. */
export const SELECT_EVENTS =
  'SELECT position, event, content, text, checksum FROM events LEFT JOIN contents USING (content)';

const INSERT = 'INSERT INTO events VALUES (?, ?, ?, ?, ?)';
const INSERT_COMPLETION = 'INSERT OR REPLACE INTO completions VALUES (?, ?, ?)';
const INSERT_CONTENT = 'INSERT INTO contents (hash, text) VALUES (?, ?) ON CONFLICT DO NOTHING';
const FIND_CONTENT = 'SELECT content, text = ? AS same FROM contents WHERE hash = ?';

/**
 * Writes an event of a run. A large content is written once, and events refer to it.
 *
 * @param position The position of the event in its run, from 0 on.
 */
export function writeEvent(
  database: Database,
  run: number,
  position: number,
  data: EventData,
): void {
  const { contentKey } = data;
  let event = JSON.stringify(data);
  let content: number | null = null;
  let text: string | null = null;
  const field = CONTENT_FIELDS[data.type];
  if (field !== undefined && event.length > MIN_CONTENT_LENGTH) {
    const { [field]: value, ...rest } = data;
    const json = JSON.stringify(value);
    if (json !== undefined && json.length >= MIN_CONTENT_LENGTH) {
      event = JSON.stringify(rest);
      text = json;
      content = insertContent(database, text);
    }
  }
  const checksum = checksumOf(run, position, event, text);
  database.statement(INSERT).run(run, position, event, content, checksum);
  if (contentKey !== undefined)
    database.statement(INSERT_COMPLETION).run(contentKey, run, position);
}

/**
 * The event of a row.
 *
 * @throws {CorruptionError} when the row or its content differs from what was written.
 */
export function readEvent(run: number, id: string, row: EventRow): EventData {
  const { position, event, content, text } = row;
  if (
    checksumOf(run, position, event, text) !== row.checksum ||
    (content === null) !== (text === null)
  ) {
    throw new CorruptionError(`record ${position} differs from what was written`, id);
  }
  const data = JSON.parse(event) as EventData;
  return text === null
    ? data
    : { ...data, [CONTENT_FIELDS[data.type] as string]: JSON.parse(text) as Json };
}

/** Writes a content unless it exists; returns its number. */
function insertContent(database: Database, text: string): number {
  const digest = hash('sha256', text, 'buffer');
  const { changes, lastInsertRowid } = database.statement(INSERT_CONTENT).run(digest, text);
  if (Number(changes) > 0) return Number(lastInsertRowid);
  const found = database.statement(FIND_CONTENT).get(text, digest);
  if (found?.same !== 1) throw new CorruptionError('a content differs from what was written');
  return Number(found.content);
}

/** The checksum of a row and its position, so that one row cannot replace another unnoticed. */
function checksumOf(run: number, position: number, event: string, text: string | null): number {
  const sum = crc32(`${run}:${position}:${event}`);
  return text === null ? sum : crc32(text, sum);
}
