import { createReadStream } from 'node:fs';
import { extname } from 'node:path';
import { OptionError } from '@stratagem/core';
import { checkOptions } from '@stratagem/core/runner';
import { readCsv } from './csv.js';
import { decode } from './decode.js';
import { readJsonLines } from './json-lines.js';
import { readJsonList } from './json-list.js';
import { RowsError } from './rows-error.js';

export const ROW_FORMATS = ['csv', 'tsv', 'jsonl', 'json'] as const;

/** The formats of files with rows. */
export type RowFormat = (typeof ROW_FORMATS)[number];

export interface ReadRowsOptions {
  /**
   * @default by the extension of the file: `.csv`, `.tsv`, `.jsonl` (or `.ndjson`), `.json`
   */
  readonly format?: RowFormat | undefined;
  /**
   * What is between the cells of CSV.
   * @default `,` for CSV, a tab for TSV
   */
  readonly delimiter?: string | undefined;
  /**
   * The name of the rows in messages.
   * @default the path of the file
   */
  readonly name?: string | undefined;
}

/** Rows of a file, read as they are needed. It can be read once. */
export interface RowFile extends AsyncIterable<Record<string, unknown>> {
  readonly format: RowFormat;
  /** Whether all values are texts, as in CSV. */
  readonly hasTextCells: boolean;
  /** The names of the columns, once the header of CSV or TSV was read; undefined before, and for JSON. */
  readonly columns: readonly string[] | undefined;
  /** Bytes that were read so far. */
  readonly bytesRead: number;
}

/**
 * Reads rows from a file, or from any stream of bytes.
 *
 * The iteration rejects with a `RowsError` that names the file and the line: of a row with too few or too
 * many cells, of what is not JSON, of what is not UTF-8; and with one for a file that cannot be read.
 *
 * @throws {OptionError} when the format is unknown.
 *
 * @example
 * for await (const row of readRows('reviews.csv')) console.log(row.text);
 */
export function readRows(
  source: string | AsyncIterable<Uint8Array>,
  options: ReadRowsOptions = {},
): RowFile {
  checkOptions('readRows()', options, ['format', 'delimiter', 'name']);
  const { name = typeof source === 'string' ? source : 'the rows', delimiter } = options;
  const format = options.format ?? formatOf(source);
  if (!ROW_FORMATS.includes(format)) {
    throw new OptionError(`readRows(): format must be one of ${ROW_FORMATS.join(', ')}`);
  }
  const hasTextCells = format === 'csv' || format === 'tsv';
  if (delimiter !== undefined) {
    if (!hasTextCells) throw new OptionError(`readRows(): delimiter has no effect with ${format}`);
    if (typeof delimiter !== 'string' || delimiter === '' || /["\r\n]/.test(delimiter)) {
      throw new OptionError('readRows(): delimiter must be a text such as ";", without quotes');
    }
  }
  let bytesRead = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    const chunks = typeof source === 'string' ? bytesOf(source, name) : source;
    for await (const given of chunks as AsyncIterable<Uint8Array | string>) {
      // Standard input may have an encoding.
      const chunk = typeof given === 'string' ? new TextEncoder().encode(given) : given;
      bytesRead += chunk.length;
      yield chunk;
    }
  }
  let columns: readonly string[] | undefined;
  const onHeader = (header: readonly string[]) => {
    columns = header;
  };
  const text = () => decode(counted(), name);
  const open = () => {
    switch (format) {
      case 'csv':
        return readCsv(text(), name, { usual: ',', delimiter, onHeader });
      case 'tsv':
        return readCsv(text(), name, { usual: '\t', delimiter, onHeader });
      case 'jsonl':
        return readJsonLines(text(), name);
      case 'json':
        return readJsonList(text(), name);
    }
  };
  return {
    format,
    hasTextCells,
    get columns() {
      return columns;
    },
    get bytesRead() {
      return bytesRead;
    },
    [Symbol.asyncIterator]: () => open()[Symbol.asyncIterator](),
  };
}

/** @throws {RowsError} when the file cannot be read. */
async function* bytesOf(file: string, name: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(file);
  } catch (cause) {
    const { code = '', message } = cause as NodeJS.ErrnoException;
    throw new RowsError(name, UNREADABLE[code] ?? `cannot be read: ${message}`, undefined, {
      cause,
    });
  }
}

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'cannot be read: permission denied',
  EISDIR: 'is a folder, not a file',
};

function formatOf(source: unknown): RowFormat {
  if (typeof source !== 'string') {
    throw new OptionError('readRows(): a stream needs a format, such as { format: "csv" }');
  }
  const extension = extname(source).slice(1).toLowerCase();
  const format = extension === 'ndjson' ? 'jsonl' : extension;
  if ((ROW_FORMATS as readonly string[]).includes(format)) return format as RowFormat;
  throw new OptionError(
    `readRows(): the format of ${source} is unknown: name it, one of ${ROW_FORMATS.join(', ')}`,
  );
}
