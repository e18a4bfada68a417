import { stringify } from 'csv-stringify/sync';
import type { MappedRow } from '../mapped-row.js';

export const RESULT_FORMATS = ['jsonl', 'csv', 'tsv'] as const;

/** The formats in which results can be written. */
export type ResultFormat = (typeof RESULT_FORMATS)[number];

type Values = Readonly<Record<string, unknown>>;

/** Writes results as text, one after the other. */
export interface RowText {
  of(row: MappedRow<unknown>): string;
  /** What a file has that no result was written into. */
  readonly ofNone: string;
}

/** @param outputs The names of the outputs: the columns of a table are known before its first row. */
export function rowTextIn(format: ResultFormat, outputs: readonly string[]): RowText {
  return format === 'jsonl' ? JSON_LINES : tableRows(format === 'csv' ? ',' : '\t', outputs);
}

const JSON_LINES: RowText = { of: (row) => `${jsonOf(row)}\n`, ofNone: '' };

function jsonOf(value: unknown): string {
  return JSON.stringify(value, (_, each) => {
    if (typeof each === 'bigint') return String(each);
    if (each instanceof Map) return Object.fromEntries(each);
    return each instanceof Set ? [...each] : each;
  });
}

/**
 * Rows of a table: first what happened, then the outputs, then the columns of the first row itself. Each column has
 * a name of its own.
 *
 * A text that a spreadsheet would take for a formula gets an apostrophe in front.
 */
function tableRows(delimiter: string, outputs: readonly string[]): RowText {
  const write = (cells: readonly unknown[]) =>
    stringify([cells.map(cellOf)], { delimiter, escape_formulas: true });
  const known = [...FIXED, ...withPrefix('output', outputs, FIXED)];
  let columns: readonly string[] | undefined;
  return {
    of({ row, status, error, usage, costUsd, outputs: results, input }) {
      const own = valuesOf(input);
      const isFirst = columns === undefined;
      columns ??= Object.keys(own);
      const header = isFirst ? write([...known, ...withPrefix('input', columns, known)]) : '';
      const values = valuesOf(results);
      const cells = [
        ...[row, status, error?.code, error?.message],
        ...[usage?.inputTokens, usage?.outputTokens, costUsd],
        ...outputs.map((name) => values[name]),
        ...columns.map((name) => own[name]),
      ];
      return header + write(cells);
    },
    ofNone: write(known),
  };
}

const FIXED = ['row', 'status', 'error', 'message', 'inputTokens', 'outputTokens', 'costUsd'];

/** The names; those that are taken with a prefix, such as `input.status`. */
function withPrefix(
  prefix: string,
  names: readonly string[],
  taken: readonly string[],
): readonly string[] {
  const all = new Set([...taken, ...names]);
  return names.map((name) => {
    if (!taken.includes(name)) return name;
    let other = `${prefix}.${name}`;
    while (all.has(other)) other = `${prefix}.${other}`;
    all.add(other);
    return other;
  });
}

function valuesOf(value: unknown): Values {
  return typeof value === 'object' && value !== null ? (value as Values) : {};
}

function cellOf(value: unknown): string | number {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string' || typeof value === 'number') return value;
  return jsonOf(value);
}
