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
  /** Rows that were read and not given out: the next one, or those that were given back. */
  #ahead: Row[] = [];
  #hasEnded = false;
  /** Why no more rows can be read. Those before are given out first. */
  #failure: { readonly error: unknown } | undefined;

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

  /** Whether all rows were given out. */
  get isOver(): boolean {
    return this.#hasEnded && this.#ahead.length === 0;
  }

  /** The next row, which stays the next one; undefined at the end. */
  async peek(): Promise<Row | undefined> {
    await this.#look();
    this.#throwIfFailed();
    return this.#ahead[0];
  }

  /** The next rows, `most` at most; undefined at the end. Rejects when the next row cannot be read. */
  async take(most: number): Promise<RowGroup<Row> | undefined> {
    const rows: Row[] = [];
    const numbers: number[] = [];
    let size = 0;
    while (rows.length < most && (await this.#look())) {
      const row = this.#ahead[0] as Row;
      const length = textLengthOf(row);
      if (rows.length > 0 && size + length > MAX_TEXT) break;
      size += length;
      this.#ahead.shift();
      this.#count++;
      rows.push(row);
      numbers.push(rowNumberOf(row) ?? this.#count);
    }
    if (rows.length === 0) {
      this.#throwIfFailed();
      return undefined;
    }
    // Whether the end is here decides how much is left to do.
    await this.#look();
    return { rows, numbers };
  }

  /**
   * Gives rows back that were taken last: they come next.
   *
   * @returns The first `count` rows of the group, which stay taken.
   */
  giveBack({ rows, numbers }: RowGroup<Row>, count: number): RowGroup<Row> {
    const back = rows.slice(count);
    this.#ahead = [...back, ...this.#ahead];
    this.#count -= back.length;
    return { rows: rows.slice(0, count), numbers: numbers.slice(0, count) };
  }

  /** Closes the file behind the rows, for one. */
  async close(): Promise<void> {
    this.#ahead = [];
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    await this.#iterator.return?.();
  }

  /** Whether there is a next row. */
  async #look(): Promise<boolean> {
    if (this.#ahead.length === 0 && !this.#hasEnded && this.#failure === undefined) {
      try {
        const next = await this.#iterator.next();
        if (next.done) this.#hasEnded = true;
        else this.#ahead.push(next.value);
      } catch (error) {
        this.#failure = { error };
      }
    }
    return this.#ahead.length > 0;
  }

  #throwIfFailed(): void {
    if (this.#ahead.length === 0 && this.#failure !== undefined) throw this.#failure.error;
  }
}

/**
 * The groups from this number on.
 *
 * @param sizeOf How many rows a group has that begins behind `count` rows.
 */
export async function* groupsOf<Row>(
  source: SegmentSource<Row>,
  number: number,
  sizeOf: (number: number, count: number) => number | Promise<number>,
): AsyncGenerator<RowGroup<Row>> {
  try {
    for (let position = 1; ; position++) {
      const group = await source.take(await sizeOf(position, source.count));
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
