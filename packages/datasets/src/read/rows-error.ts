import { StratagemError } from '@stratagem/core';

/** A row with more characters is no row: the end of a quote or of a line is missing. */
export const MAX_ROW_LENGTH = 100_000_000;
export const TOO_LONG = 'a row is too long (more than 100 million characters)';

/** Rows that cannot be read. The message names the file, and the line where there is one. */
export class RowsError extends StratagemError {
  readonly file: string;
  readonly line?: number | undefined;

  constructor(file: string, message: string, line?: number, options?: ErrorOptions) {
    const place = line === undefined ? file : `${file}, line ${line}`;
    super('invalid_inputs', `${place}: ${message}`, options);
    this.file = file;
    if (line !== undefined) this.line = line;
  }
}
