import { StratagemError } from '@stratagem/core';

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
