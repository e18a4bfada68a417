import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { EventData, Json } from '@stratagem/core';
import { CONTENT_FIELDS, MIN_CONTENT_LENGTH } from '@stratagem/store-kit';
import type { Database } from './database.js';
import type { DatabaseThread, WrittenContent } from './database-thread.js';
import { CorruptionError } from './errors.js';
import { FIND_CONTENT, INSERT_CONTENT } from './schema.js';

/** From this length on, a content is left to the thread. */
const LARGE_LENGTH = 2 ** 18;

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

/** An event of a run on its way into the file. A large content is written once, and events refer to it. */
export class EventRecord {
  readonly #run: number;
  readonly #position: number;
  readonly #contentKey: string | undefined;
  readonly #event: string;
  /** A long text that is not JSON yet: nobody can change it. */
  readonly #output: string | undefined;
  readonly #text: string | undefined;
  #written: WrittenContent | undefined;

  /** @param position The position of the event in its run, from 0 on. */
  constructor(run: number, position: number, data: EventData) {
    this.#run = run;
    this.#position = position;
    this.#contentKey = data.contentKey;
    const field = CONTENT_FIELDS[data.type];
    const value = field === undefined ? undefined : data[field];
    if (typeof value === 'string' && value.length >= LARGE_LENGTH) this.#output = value;
    else {
      const json = JSON.stringify(value);
      if (json?.length >= MIN_CONTENT_LENGTH) this.#text = json;
    }
    const hasContent = this.#output !== undefined || this.#text !== undefined;
    this.#event = JSON.stringify(hasContent ? { ...data, [field as string]: undefined } : data);
  }

  /** About how long its text is. */
  get length(): number {
    return this.#event.length + this.#contentLength;
  }

  get isLarge(): boolean {
    return this.#contentLength >= LARGE_LENGTH;
  }

  get #contentLength(): number {
    return (this.#output ?? this.#text)?.length ?? 0;
  }

  /** Lets the thread write the content, which is of no use before `write`. */
  async writeContent(thread: DatabaseThread): Promise<void> {
    const [text, output] = [this.#text, this.#output];
    const sum = checksumOf(this.#run, this.#position, this.#event, null);
    this.#written = await thread.writeContent({ text, output, sum });
    if (this.#written?.content === -1) throw differentContentError();
  }

  write(database: Database): void {
    const [run, position] = [this.#run, this.#position];
    const { content, checksum } = this.#written ?? this.#writeContentNow(database);
    database.statement(INSERT).run(run, position, this.#event, content, checksum);
    if (this.#contentKey === undefined) return;
    database.statement(INSERT_COMPLETION).run(this.#contentKey, run, position);
  }

  #writeContentNow(database: Database): { content: number | null; checksum: number } {
    const text = this.#output === undefined ? this.#text : JSON.stringify(this.#output);
    const checksum = checksumOf(this.#run, this.#position, this.#event, text ?? null);
    return { content: text === undefined ? null : insertContent(database, text), checksum };
  }
}

/**
 * The event of a row.
 *
 * @throws {CorruptionError} when the row or its content differs from what was written.
 */
export function readEvent(run: number, id: string, row: EventRow): EventData {
  const { position, event, content, text } = row;
  // A damaged type makes a number or bytes of a text, also bytes with the right checksum.
  const isTyped = typeof event === 'string' && (text === null || typeof text === 'string');
  if (
    !isTyped ||
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
  if (found?.same !== 1) throw differentContentError();
  return Number(found.content);
}

function differentContentError(): CorruptionError {
  return new CorruptionError('a content differs from what was written');
}

/** The checksum of a row and its position, so that one row cannot replace another unnoticed. */
function checksumOf(run: number, position: number, event: string, text: string | null): number {
  const sum = crc32(`${run}:${position}:${event}`);
  return text === null ? sum : crc32(text, sum);
}
