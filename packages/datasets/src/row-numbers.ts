/** The numbers of rows that were read from a file, so that they survive filters and shuffles. */
const numbers = new WeakMap<object, number>();

/** Remembers the number of a row in its file, from 1. */
export function setRowNumber(row: object, number: number): void {
  numbers.set(row, number);
}

/** The number of a row in its file, from 1; undefined for a row that `readRows` did not read. */
export function rowNumberOf(row: unknown): number | undefined {
  return typeof row === 'object' && row !== null ? numbers.get(row) : undefined;
}
