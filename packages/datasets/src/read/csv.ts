import { pipeline, Readable } from 'node:stream';
import { type CsvError, parse } from 'csv-parse';
import { setRowNumber } from '../row-numbers.js';
import { MAX_ROW_LENGTH, RowsError, TOO_LONG } from './rows-error.js';

/** What `csv-parse` gives for each record with `info`. */
interface Parsed {
  readonly record: readonly string[];
  /** `lines` is the number of the last line of the record, `records` that of the records so far. */
  readonly info: { readonly lines: number; readonly records: number };
}

/** What is wrong with a record: `records` is the number of those before it. */
type CsvProblem = CsvError & { readonly lines: number; readonly records: number };

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
  let problem: CsvProblem | undefined;
  const parser = parse({
    delimiter: delimiter ?? usual,
    info: true,
    max_record_size: maxLength,
    // Files from several systems have several line ends.
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_empty_lines: true,
    // An error would end the stream with the rows before it that nobody has taken yet.
    skip_records_with_error: true,
    on_skip(error) {
      problem ??= error as CsvProblem;
      return undefined;
    },
  });
  pipeline(Readable.from(until(text, () => problem !== undefined)), parser, () => {});
  let header: readonly string[] | undefined;
  let count = 0;
  let line = 0;
  for await (const { record, info } of parser as AsyncIterable<Parsed>) {
    if (problem !== undefined && info.records > problem.records) break;
    line = info.lines;
    if (header === undefined) {
      header = headerOf(record, name, line, delimiter === undefined ? usual : undefined);
      onHeader?.(header);
      continue;
    }
    const row = rowOf(record, header, name, line);
    setRowNumber(row, ++count);
    yield row;
  }
  if (problem !== undefined) throw rowsError(problem, name, line + 1);
  if (header === undefined) {
    throw new RowsError(name, 'is empty: its first line must have the names of the columns');
  }
}

/** The text, as long as nothing is wrong with it. */
async function* until(text: AsyncIterable<string>, isOver: () => boolean): AsyncGenerator<string> {
  for await (const chunk of text) {
    yield chunk;
    if (isOver()) return;
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

/** @param start The line in which the row begins. */
function rowsError(error: CsvProblem, name: string, start: number): RowsError {
  const problem = (message: string, line: number) =>
    new RowsError(name, message, line, { cause: error });
  switch (error.code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return problem('a quote is opened and never closed', start);
    case 'CSV_MAX_RECORD_SIZE':
      return problem(`${TOO_LONG}: is a quote opened and never closed?`, start);
    case 'CSV_INVALID_CLOSING_QUOTE':
      return problem(
        'text follows a closing quote: write a quote within a cell twice ("")',
        error.lines,
      );
    case 'INVALID_OPENING_QUOTE':
      return problem(
        'a quote is inside a cell without quotes: put the cell in quotes, and write the quote twice ("")',
        error.lines,
      );
    default:
      return problem(error.message, error.lines);
  }
}
