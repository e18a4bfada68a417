import { stat } from 'node:fs/promises';
import type { Condition } from '@stratagem/core';
import { type RowFile, readRows, rowOf, selectRows } from '@stratagem/datasets';
import type { MapFlags } from '../options/map-flags.js';
import { UsageError } from '../options/usage-error.js';
import { parseSource } from './parse-source.js';

type Row = Record<string, unknown>;

/** The rows of a command. */
export interface RowSource {
  readonly rows: AsyncIterable<Row>;
  /** The first row, or one with the columns of a file that has only a header; undefined where none is known. */
  readonly example: Row | undefined;
  readonly hasTextCells: boolean;
  /** Counts the rows with another reader; undefined where they can be read once alone. */
  readonly count: () => Promise<number | undefined>;
  /** The same rows from another reader; undefined where they can be read once alone. */
  readonly again: (() => AsyncIterable<Row>) | undefined;
  /** Whether counting the rows takes next to no time. */
  readonly isSmall: boolean;
  /** The share of the file that was read, 0 to 1; undefined where its size is unknown. */
  readonly share: () => number | undefined;
}

/** A file is read ahead of its rows, so the share that was read says little about a small one. */
const SMALL_BYTES = 5_000_000;

/** @throws {UsageError} when the rows cannot be read. */
export async function openRows(flags: MapFlags): Promise<RowSource> {
  const { each } = flags;
  const isFile = each !== '-';
  const size = isFile ? await sizeOf(each) : undefined;
  const file = readerOf(flags);
  const select = (from: RowFile) => selected(from, flags, from.hasTextCells);
  const { first, rows } = await peeked(select(file));
  return {
    rows,
    example: first ?? (file.columns && { ...rowOf(file.columns) }),
    hasTextCells: file.hasTextCells,
    again: size === undefined ? undefined : () => select(readerOf(flags)),
    isSmall: size !== undefined && size <= SMALL_BYTES,
    share: () => (size === undefined || size === 0 ? undefined : file.bytesRead / size),
    async count() {
      if (size === undefined) return undefined;
      let count = 0;
      // The order does not matter for the number.
      const { shuffle: _, ...unshuffled } = flags;
      const again = readerOf(flags);
      for await (const _row of selected(again, unshuffled, again.hasTextCells)) count++;
      return count;
    },
  };
}

/** @returns undefined for what has no size, such as a pipe. */
async function sizeOf(file: string): Promise<number | undefined> {
  try {
    const about = await stat(file);
    if (about.isDirectory()) throw new UsageError(`--each ${file}: is a folder, not a file`);
    return about.isFile() ? about.size : undefined;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : message;
    throw new UsageError(`--each ${file}: ${why}`, { cause: error });
  }
}

function readerOf({ each, rowFormat, delimiter }: MapFlags): RowFile {
  if (each === '-' && rowFormat === undefined) {
    throw new UsageError('--each - needs the format of the rows, such as --row-format jsonl');
  }
  return readRows(each === '-' ? process.stdin : each, {
    ...(each === '-' && { name: '<stdin>' }),
    ...(rowFormat !== undefined && { format: rowFormat }),
    ...(delimiter !== undefined && { delimiter: delimiter === '\\t' ? '\t' : delimiter }),
  });
}

function selected(
  file: RowFile,
  { where, limit, shuffle }: Pick<MapFlags, 'where' | 'limit' | 'shuffle'>,
  textCells: boolean,
): AsyncIterable<Row> {
  return selectRows(file, {
    ...(where !== undefined && { where: conditionIn(where) }),
    ...(limit !== undefined && { limit }),
    ...(shuffle !== undefined && { shuffle }),
    textCells,
  });
}

const SHORT = /^([^\s=!<>{][^\s=!<>]*)\s*(==|!=|>=|<=|>|<|\bcontains\b|\bmatches\b)\s*(.+)$/s;

/** `row.stars < 3`, or a condition in the notation of plan files. */
function conditionIn(text: string): Condition {
  const [, path = '', operator, value = ''] = SHORT.exec(text.trim()) ?? [];
  const condition = operator === undefined ? parsed(text) : undefined;
  if (typeof condition === 'object' && condition !== null) return condition as Condition;
  if (operator === undefined || !/^row(?:$|[.[])/.test(path)) {
    const remedy = path === '' ? '' : `: did you mean row.${path}?`;
    throw new UsageError(`--where must be about a column, such as 'row.stars < 3'${remedy}`);
  }
  // Otherwise it would be compared as one text, which is never what was meant.
  if (/^[^"'].*(?:\s(?:and|or)\s|&&|\|\|)/is.test(value)) {
    const several = "{ all: [{ path: row.stars, operator: '<', value: 3 }, …] }";
    throw new UsageError(
      `--where compares with one value; it is ${value}. Put quotes around a text, or write several conditions as ${several}`,
    );
  }
  return { path, operator, value: parsed(value) } as Condition;
}

function parsed(text: string): unknown {
  const { source, problems } = parseSource(text);
  const [problem] = problems ?? source.problems;
  if (problem !== undefined) throw new UsageError(`--where: ${problem.message}`);
  return source?.value;
}

/** The first row, and all rows. */
async function peeked<Item>(
  items: AsyncIterable<Item>,
): Promise<{ readonly first: Item | undefined; readonly rows: AsyncIterable<Item> }> {
  const iterator = items[Symbol.asyncIterator]();
  const next = await iterator.next();
  async function* rows(): AsyncGenerator<Item> {
    try {
      if (next.done) return;
      yield next.value;
      for (let each = await iterator.next(); !each.done; each = await iterator.next()) {
        yield each.value;
      }
    } finally {
      await iterator.return?.();
    }
  }
  return { first: next.done ? undefined : next.value, rows: rows() };
}
