import {
  type Condition,
  formatProblem,
  isStratagemError,
  OptionError,
  type PlanProblem,
} from '@stratagem/core';
import { checkCondition, isMet } from '@stratagem/core/kernel';
import { checkLimit, checkOptions, didYouMean } from '@stratagem/core/runner';
import { rowNumberOf } from '../row-numbers.js';
import { checkRows, columnsOf, type Rows } from '../segment-source.js';
import { randomOf } from './random.js';
import { RowsError } from './rows-error.js';

/** Without a limit, a shuffle holds at most so many rows in memory. */
const MAX_SHUFFLED = 200_000;

export interface SelectOptions {
  /** Only rows for which this holds: a condition over `row`, such as `row.stars`. */
  readonly where?: Condition | undefined;
  /** At most so many rows: the first ones, or a random choice with `shuffle`. */
  readonly limit?: number | undefined;
  /**
   * A seed: the rows come in a random order, the same for the same seed. Holds the rows in memory, so it
   * takes 200,000 rows at most, or `limit`.
   */
  readonly shuffle?: number | undefined;
  /** Whether the values are texts, as in CSV: they are then compared with numbers as numbers. */
  readonly textCells?: boolean | undefined;
}

/** Rows that were chosen. */
export interface SelectedRows<Row> extends AsyncIterable<Row> {
  /** The names of the columns, as far as the file knows them without a row: once its header was read. */
  readonly columns: readonly string[] | undefined;
}

/**
 * Some of the rows. Rows that `readRows` has read keep their numbers.
 *
 * @throws {OptionError} when an option is unknown or wrong.
 *
 * @example
 * const some = selectRows(readRows('reviews.csv'), { limit: 100, shuffle: 7 });
 */
export function selectRows<Row extends object>(
  rows: Rows<Row>,
  options: SelectOptions,
): SelectedRows<Row> {
  checkRows('selectRows()', rows);
  checkOptions('selectRows()', options, ['where', 'limit', 'shuffle', 'textCells']);
  const { where, limit = Number.POSITIVE_INFINITY, shuffle, textCells = false } = options;
  if (options.limit !== undefined) checkLimit('selectRows()', 'limit', limit);
  if (where !== undefined) requireCondition(where);
  if (shuffle !== undefined && !Number.isSafeInteger(shuffle)) {
    throw new OptionError('selectRows(): shuffle must be an integer, the seed');
  }
  const chosen = where === undefined ? rows : filter(rows, where, textCells);
  const selected = shuffle === undefined ? first(chosen, limit) : shuffled(chosen, limit, shuffle);
  return {
    [Symbol.asyncIterator]: () => selected,
    get columns() {
      return columnsOf(rows);
    },
  };
}

/** @throws {OptionError} with all problems of a condition. */
function requireCondition(where: Condition): void {
  const problems: PlanProblem[] = [];
  checkCondition(problems, where, ['where']);
  for (const { path } of leavesOf(where)) {
    if (typeof path !== 'string' || /^row(?:$|[.[])/.test(path)) continue;
    problems.push({
      code: 'invalid_value',
      path: ['where'],
      message: `must be about row, such as row.${path}; it is about "${path}"`,
    });
  }
  if (problems.length > 0) throw new OptionError(problems.map(formatProblem).join('\n'));
}

/** The column that a path begins with. */
const COLUMN = /^row(?:\.([^.[\]]+)|\["(.+?)"\])/;

interface Leaf {
  readonly path?: unknown;
  readonly value?: unknown;
}

function leavesOf(condition: unknown): Leaf[] {
  if (typeof condition !== 'object' || condition === null) return [];
  const { all, any, not } = condition as { all?: unknown; any?: unknown; not?: unknown };
  const parts = all ?? any;
  if (Array.isArray(parts)) return parts.flatMap(leavesOf);
  return not === undefined ? [condition as Leaf] : leavesOf(not);
}

async function* filter<Row extends object>(
  rows: Rows<Row>,
  where: Condition,
  textCells: boolean,
): AsyncGenerator<Row> {
  const numeric = textCells ? numericColumns(where) : [];
  let count = 0;
  for await (const row of rows) {
    count++;
    let holds: boolean;
    try {
      holds = isMet('when', where, { row: withNumbers(row, numeric) });
    } catch (error) {
      if (!isStratagemError(error)) throw error;
      const number = rowNumberOf(row) ?? count;
      const message = error.message.replace('its when compares', 'where compares');
      throw new RowsError(`row ${number}`, message, undefined, { cause: error });
    }
    if (holds) yield row;
  }
  // Without a row, nothing was compared.
  if (count === 0) requireColumns(where, columnsOf(rows));
}

/** @throws {OptionError} when a condition is about a column that there is not. */
function requireColumns(where: Condition, columns: readonly string[] | undefined): void {
  if (columns === undefined) return;
  for (const { path } of leavesOf(where)) {
    const [, name, quoted] = COLUMN.exec(String(path)) ?? [];
    const column = name ?? quoted;
    if (column === undefined || columns.includes(column)) continue;
    const meant = didYouMean(column, columns) || ` The columns are ${columns.join(', ')}.`;
    throw new OptionError(`there is no column "${column}", which where compares.${meant}`);
  }
}

/** The columns that are compared with numbers or with true and false. */
function numericColumns(where: Condition): string[] {
  return leavesOf(where).flatMap(({ path, value }) => {
    if (typeof value !== 'number' && typeof value !== 'boolean') return [];
    const [whole, name, quoted] = COLUMN.exec(String(path)) ?? [];
    // What is inside of a cell has its own type.
    return whole === path ? (name ?? quoted ?? []) : [];
  });
}

function withNumbers(row: object, columns: readonly string[]): object {
  if (columns.length === 0) return row;
  const copy: Record<string, unknown> = { ...row };
  for (const column of columns) {
    const text = copy[column];
    if (typeof text !== 'string' || text.trim() === '') continue;
    if (text === 'true' || text === 'false') copy[column] = text === 'true';
    else if (!Number.isNaN(Number(text))) copy[column] = Number(text);
  }
  return copy;
}

async function* first<Row>(rows: Rows<Row>, limit: number): AsyncGenerator<Row> {
  let count = 0;
  for await (const row of rows) {
    yield row;
    if (++count >= limit) return;
  }
}

/** With a limit, a random choice of that size is all that is held (reservoir sampling). */
async function* shuffled<Row>(rows: Rows<Row>, limit: number, seed: number): AsyncGenerator<Row> {
  const random = randomOf(seed);
  const held: Row[] = [];
  let count = 0;
  for await (const row of rows) {
    count++;
    if (held.length < limit) {
      held.push(row);
      if (limit === Number.POSITIVE_INFINITY && held.length > MAX_SHUFFLED) {
        const remedy = 'give a limit, or shuffle the file';
        throw new OptionError(
          `a shuffle holds its rows in memory, and there are more than ${MAX_SHUFFLED}: ${remedy}`,
        );
      }
    } else {
      const place = Math.floor(random() * count);
      if (place < limit) held[place] = row;
    }
  }
  for (let left = held.length; left > 0; left--) {
    const place = Math.floor(random() * left);
    const row = held[place] as Row;
    held[place] = held[left - 1] as Row;
    held.pop();
    yield row;
  }
}
