import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { EventData, Json } from '@stratagem/core';
import type { Database } from './database.js';
import { Damage } from './errors.js';

/** The field of an event that may be large, and the same in many. */
const CONTENT: Readonly<Record<string, string>> = {
  task_completed: 'output',
  plan_started: 'plan',
};
/** From this length on, a reference takes less room than a copy. */
const MIN_CONTENT_LENGTH = 200;

/** A row of events, with the content that it refers to. */
export interface EventRow {
  readonly position: number;
  readonly event: string;
  readonly content: number | null;
  readonly text: string | null;
  readonly checksum: number;
}

/** Selects every {@link EventRow}. Columns are named, so that one that has lost its name is missed. */
export const SELECT_EVENTS =
  'SELECT position, event, content, text, checksum FROM events LEFT JOIN contents USING (content)';

const INSERT = 'INSERT INTO events VALUES (?, ?, ?, ?, ?)';
const INSERT_COMPLETION = 'INSERT OR REPLACE INTO completions VALUES (?, ?, ?)';
const INSERT_CONTENT = 'INSERT INTO contents (hash, text) VALUES (?, ?) ON CONFLICT DO NOTHING';
const FIND_CONTENT = 'SELECT content, text = ? AS same FROM contents WHERE hash = ?';

/**
 * Writes one event of a run; what is large is written once and referred to.
 *
 * @param position How many events of the run are before it.
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
  const field = CONTENT[data.type];
  if (field !== undefined && event.length > MIN_CONTENT_LENGTH) {
    const { [field]: value, ...rest } = data;
    const json = JSON.stringify(value);
    if (json !== undefined && json.length >= MIN_CONTENT_LENGTH) {
      event = JSON.stringify(rest);
      text = json;
      content = contentOf(database, text);
    }
  }
  const checksum = checksumOf(run, position, event, text);
  database.statement(INSERT).run(run, position, event, content, checksum);
  if (contentKey !== undefined)
    database.statement(INSERT_COMPLETION).run(contentKey, run, position);
}

/**
 * What a row stands for.
 *
 * @throws {Damage} when it, or the content it refers to, is not as it was written.
 */
export function readEvent(run: number, id: string, row: EventRow): EventData {
  const { position, event, content, text } = row;
  if (
    checksumOf(run, position, event, text) !== row.checksum ||
    (content === null) !== (text === null)
  ) {
    throw new Damage(`record ${position} is not as it was written`, id);
  }
  const data = JSON.parse(event) as EventData;
  return text === null
    ? data
    : { ...data, [CONTENT[data.type] as string]: JSON.parse(text) as Json };
}

/** The number of a content, which is written unless it is there. */
function contentOf(database: Database, text: string): number {
  const digest = hash('sha256', text, 'buffer');
  const { changes, lastInsertRowid } = database.statement(INSERT_CONTENT).run(digest, text);
  if (Number(changes) > 0) return Number(lastInsertRowid);
  const found = database.statement(FIND_CONTENT).get(text, digest);
  if (found?.same !== 1) throw new Damage('a content that is recorded is not as it was written');
  return Number(found.content);
}

/** Of all that a row says and of its place, so that no row can stand in for another. */
function checksumOf(run: number, position: number, event: string, text: string | null): number {
  const sum = crc32(`${run}:${position}:${event}`);
  return text === null ? sum : crc32(text, sum);
}
