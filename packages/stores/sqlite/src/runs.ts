import { crc32 } from 'node:zlib';
import type { EventData, RunListing } from '@stratagem/core';
import { type NewRun, newListing } from '@stratagem/core/journal';
import type { Database } from './database.js';
import { CorruptionError } from './errors.js';
import { type EventRow, readEvent, SELECT_EVENTS } from './records.js';

/** The entry of a run in the list of runs. */
export interface KnownRun {
  /** The number of the run in this file. */
  readonly run: number;
  /** The number of events. */
  readonly events: number;
  readonly summary: RunListing;
}

interface RunRow {
  readonly run: number;
  readonly id: string;
  readonly events: number;
  readonly summary: string;
  readonly checksum: number;
}

/** The limits of a page of events, so that reading neither blocks the program nor fills its memory. */
const MAX_PAGE = 1_000;
const MAX_PAGE_LENGTH = 2 ** 22;

export function insertRun(database: Database, created: NewRun): KnownRun {
  const summary = newListing(created);
  const { lastInsertRowid } = database
    .statement("INSERT INTO runs (id, events, summary, checksum) VALUES (?, 0, '', 0)")
    .run(created.id);
  const known = { run: Number(lastInsertRowid), events: 0, summary };
  updateRun(database, known);
  return known;
}

export function updateRun(database: Database, { run, events, summary }: KnownRun): void {
  const text = JSON.stringify(summary);
  database
    .statement('UPDATE runs SET events = ?, summary = ?, checksum = ? WHERE run = ?')
    .run(events, text, checksumOf(run, summary.id, events, text), run);
}

/** @throws {CorruptionError} when the entry differs from what was written. */
export function findRun(database: Database, id: string): KnownRun | undefined {
  const row = database.statement('SELECT * FROM runs WHERE id = ?').get(id);
  return row && knownRun(row as unknown as RunRow);
}

export function numberOfLastRun(database: Database): number {
  const row = database.statement('SELECT max(run) AS last FROM runs').get();
  return Number(row?.last ?? 0);
}

/** All runs, the newest first. */
export function allRuns(database: Database): KnownRun[] {
  const rows = database.statement('SELECT * FROM runs ORDER BY run DESC').all();
  return rows.map((row) => knownRun(row as unknown as RunRow));
}

/**
 * The next page of the events of a run.
 *
 * @param from The position of the first event; there must be one.
 * @throws {CorruptionError} when an event is missing or differs from what was written.
 */
export function pageOf(database: Database, known: KnownRun, from: number): EventData[] {
  const { run, events, summary } = known;
  const statement = database.statement(
    `${SELECT_EVENTS} WHERE run = ? AND position BETWEEN ? AND ? ORDER BY position`,
  );
  const page: EventData[] = [];
  let length = 0;
  for (const each of statement.iterate(run, from, events - 1)) {
    const row = each as unknown as EventRow;
    if (row.position !== from + page.length) break;
    page.push(readEvent(run, summary.id, row));
    length += row.event.length + (row.text?.length ?? 0);
    if (page.length >= MAX_PAGE || length > MAX_PAGE_LENGTH) break;
  }
  if (page.length > 0) return page;
  throw new CorruptionError(`record ${from} of ${events} is missing`, summary.id);
}

/** @throws {CorruptionError} when the event is missing or differs from what was written. */
export function eventAt(database: Database, run: number, id: string, position: number): EventData {
  const row = database
    .statement(`${SELECT_EVENTS} WHERE run = ? AND position = ?`)
    .get(run, position);
  if (row === undefined) throw new CorruptionError(`record ${position} is missing`, id);
  return readEvent(run, id, row as unknown as EventRow);
}

function knownRun({ run, id, events, summary, checksum }: RunRow): KnownRun {
  if (checksumOf(run, id, events, summary) !== checksum) {
    throw new CorruptionError('its entry in the list of runs differs from what was written', id);
  }
  return { run, events, summary: JSON.parse(summary) as RunListing };
}

function checksumOf(run: number, id: string, events: number, summary: string): number {
  return crc32(`${run}:${id}:${events}:${summary}`);
}
