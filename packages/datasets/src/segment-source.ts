import { OptionError } from '@stratagem/core';
import { rowNumberOf } from './row-numbers.js';

/** Rows that are read as they are needed. */
export type Rows<Row> = Iterable<Row> | AsyncIterable<Row>;

/** @throws {OptionError} unless there are rows to iterate over. */
export function checkRows(owner: string, rows: unknown): void {
  const given = Object(rows) as Partial<Iterable<unknown> & AsyncIterable<unknown>>;
  const isIterable = given[Symbol.iterator] ?? given[Symbol.asyncIterator];
  if (typeof rows === 'object' && typeof isIterable === 'function') return;
  throw new OptionError(`${owner}: rows must be a list, or any other iterable of objects`);
}

/** The names of the columns, where rows know them without a row: those of a CSV file whose header was read. */
export function columnsOf(rows: object): readonly string[] | undefined {
  const { columns } = rows as { readonly columns?: unknown };
  return Array.isArray(columns) ? columns : undefined;
}

/** Consecutive rows, which one run works on. */
export interface RowGroup<Row> {
  readonly rows: readonly Row[];
  /** The number of each row. */
  readonly numbers: readonly number[];
}

/** At most so many characters of text are in the rows of one run, unless one row has more. */
const MAX_TEXT = 4_000_000;

/** Reads rows in groups, and holds no more of them than asked for. */
export class SegmentSource<Row> {
  readonly #rows: Rows<Row>;
  readonly #iterator: Iterator<Row> | AsyncIterator<Row>;
  #count = 0;
  #ahead: { readonly row: Row } | undefined;
  /** There are no rows behind those that were read. */
  isOver = false;

  constructor(rows: Rows<Row>) {
    this.#rows = rows;
    this.#iterator =
      Symbol.asyncIterator in rows ? rows[Symbol.asyncIterator]() : rows[Symbol.iterator]();
  }

  /** See `columnsOf`. */
  get columns(): readonly string[] | undefined {
    return columnsOf(this.#rows);
  }

  /** Rows that were given out. */
  get count(): number {
    return this.#count;
  }

  /** The next row, which stays the next one; undefined at the end. */
  async peek(): Promise<Row | undefined> {
    return (await this.#look())?.row;
  }

  /** The next rows, `most` at most; undefined at the end. */
  async take(most: number): Promise<RowGroup<Row> | undefined> {
    const rows: Row[] = [];
    const numbers: number[] = [];
    let size = 0;
    while (rows.length < most) {
      const next = await this.#look();
      if (next === undefined) break;
      const length = textLengthOf(next.row);
      if (rows.length > 0 && size + length > MAX_TEXT) break;
      size += length;
      this.#ahead = undefined;
      this.#count++;
      rows.push(next.row);
      numbers.push(rowNumberOf(next.row) ?? this.#count);
    }
    // Whether the end is here decides how much is left to do.
    if (rows.length > 0) await this.#look();
    return rows.length === 0 ? undefined : { rows, numbers };
  }

  /** Closes the file behind the rows, for one. */
  async close(): Promise<void> {
    if (this.isOver) return;
    this.isOver = true;
    this.#ahead = undefined;
    await this.#iterator.return?.();
  }

  async #look(): Promise<{ readonly row: Row } | undefined> {
    if (this.#ahead === undefined && !this.isOver) {
      const next = await this.#iterator.next();
      if (next.done) this.isOver = true;
      else this.#ahead = { row: next.value };
    }
    return this.#ahead;
  }
}

/** The groups from this number on. */
export async function* groupsOf<Row>(
  source: SegmentSource<Row>,
  number: number,
  sizeAfter: (count: number) => number,
): AsyncGenerator<RowGroup<Row>> {
  try {
    for (let position = 1; ; position++) {
      const group = await source.take(sizeAfter(source.count));
      if (group === undefined) return;
      if (position >= number) yield group;
    }
  } finally {
    await source.close();
  }
}

/** The characters of the texts in a row: nearly all that it takes in memory. */
function textLengthOf(row: unknown): number {
  if (typeof row === 'string') return row.length;
  if (typeof row !== 'object' || row === null) return 8;
  let length = 0;
  for (const value of Object.values(row)) length += textLengthOf(value);
  return length;
}
