import { pipeline, Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { setRowNumber } from '../row-numbers.js';
import { MAX_ROW_LENGTH, RowsError, TOO_LONG } from './rows-error.js';

/** What `csv-parse` gives for each record with `info`. */
interface Parsed {
  readonly record: readonly string[];
  /** `lines` is the number of the last line of the record. */
  readonly info: { readonly lines: number };
}

const DELIMITERS = [',', ';', '\t', '|'];

interface CsvOptions {
  /** The delimiter of the format. */
  readonly usual: string;
  /** Another one; without it, the usual one is checked against the header. */
  readonly delimiter?: string | undefined;
  /** How many characters a row may have, before the rest of the file would fill the memory. */
  readonly maxLength?: number | undefined;
  /** Gets the names of the columns, before the first row. */
  readonly onHeader?: ((columns: readonly string[]) => void) | undefined;
}

/**
 * The rows of a CSV file. Each cell is a text, whatever is in it: formulas are never executed.
 *
 * @throws {RowsError} with the line of a wrong row.
 */
export async function* readCsv(
  text: AsyncIterable<string>,
  name: string,
  { usual, delimiter, maxLength = MAX_ROW_LENGTH, onHeader }: CsvOptions,
): AsyncGenerator<Record<string, string>> {
  const parser = parse({
    delimiter: delimiter ?? usual,
    info: true,
    max_record_size: maxLength,
    // Files from several systems have several line ends.
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_empty_lines: true,
  });
  pipeline(Readable.from(text), parser, () => {});
  let header: readonly string[] | undefined;
  let count = 0;
  try {
    for await (const { record, info } of parser as AsyncIterable<Parsed>) {
      if (header === undefined) {
        header = headerOf(record, name, info.lines, delimiter === undefined ? usual : undefined);
        onHeader?.(header);
        continue;
      }
      const row = rowOf(record, header, name, info.lines);
      setRowNumber(row, ++count);
      yield row;
    }
  } catch (error) {
    throw error instanceof CsvError ? rowsError(error, name) : error;
  }
  if (header === undefined) {
    throw new RowsError(name, 'is empty: its first line must have the names of the columns');
  }
}

/** @param usual The delimiter that was assumed; undefined when somebody has named it. */
function headerOf(
  record: readonly string[],
  name: string,
  line: number,
  usual: string | undefined,
): readonly string[] {
  // Systems write the same letters in several ways, which look alike.
  const header = record.map((each) => each.trim().normalize());
  const [only = ''] = header;
  if (usual !== undefined && header.length === 1) {
    const other = DELIMITERS.find((each) => each !== usual && only.includes(each));
    if (other !== undefined) {
      const shown = other === '\t' ? 'a tab' : `"${other}"`;
      const message = `has one column, ${JSON.stringify(only)}: is ${shown} its delimiter? Name it`;
      throw new RowsError(name, `${message} (delimiter)`, line);
    }
  }
  const unnamed = header.indexOf('');
  if (unnamed >= 0) throw new RowsError(name, `column ${unnamed + 1} has no name`, line);
  const twice = header.find((each, index) => header.indexOf(each) !== index);
  if (twice === undefined) return header;
  const places = header.flatMap((each, index) => (each === twice ? index + 1 : []));
  const message = `the columns ${places.join(' and ')} are both called "${twice}": rename one`;
  throw new RowsError(name, message, line);
}

function rowOf(
  record: readonly string[],
  header: readonly string[],
  name: string,
  line: number,
): Record<string, string> {
  if (record.length !== header.length) {
    const message = `has ${cells(record.length)}, and the header has ${header.length}`;
    const hint = record.length > header.length ? '; put quotes around a cell with a delimiter' : '';
    throw new RowsError(name, message + hint, line);
  }
  // Without a prototype, so that "__proto__" is a name like any other.
  const row: Record<string, string> = Object.create(null);
  for (const [index, column] of header.entries()) row[column] = record[index] as string;
  return row;
}

function cells(count: number): string {
  return count === 1 ? '1 cell' : `${count} cells`;
}

function rowsError(error: CsvError, name: string): RowsError {
  const { lines } = error as CsvError & { readonly lines?: number };
  const line = typeof lines === 'number' ? lines : undefined;
  switch (error.code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return new RowsError(name, 'a quote is opened and never closed', line, { cause: error });
    case 'CSV_MAX_RECORD_SIZE':
      return new RowsError(name, `${TOO_LONG}: is a quote opened and never closed?`, line, {
        cause: error,
      });
    case 'CSV_INVALID_CLOSING_QUOTE':
      return new RowsError(
        name,
        'text follows a closing quote: write a quote within a cell twice ("")',
        ...([line, { cause: error }] as const),
      );
    case 'INVALID_OPENING_QUOTE':
      return new RowsError(
        name,
        'a quote is inside a cell without quotes: put the cell in quotes, and write the quote twice ("")',
        ...([line, { cause: error }] as const),
      );
    default:
      return new RowsError(name, error.message, line, { cause: error });
  }
}
