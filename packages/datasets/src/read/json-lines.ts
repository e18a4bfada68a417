import { setRowNumber } from '../row-numbers.js';
import { MAX_ROW_LENGTH, RowsError, TOO_LONG } from './rows-error.js';

/**
 * The rows of a JSON Lines file: an object on each line. Empty lines are passed over.
 *
 * @throws {RowsError} with the line of a wrong row.
 */
export async function* readJsonLines(
  text: AsyncIterable<string>,
  name: string,
  maxLength = MAX_ROW_LENGTH,
): AsyncGenerator<Record<string, unknown>> {
  let line = 0;
  let count = 0;
  for await (const content of linesOf(text, maxLength)) {
    line++;
    if (content.length > maxLength) throw new RowsError(name, TOO_LONG, line);
    if (content.trim() === '') continue;
    const row = parseRow(content, name, line);
    setRowNumber(row, ++count);
    yield row;
  }
}

function parseRow(content: string, name: string, line: number): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (cause) {
    // The text of the row is one line.
    const message = (cause as Error).message.replace(
      /at position \d+ \(line 1 column (\d+)\)$/,
      'at column $1',
    );
    throw new RowsError(name, `is not JSON: ${message}`, line, { cause });
  }
  return requireObject(value, name, line);
}

/** @throws {RowsError} for a row that is no object. */
export function requireObject(
  value: unknown,
  name: string,
  line: number | undefined,
  what = 'must be an object',
): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new RowsError(name, `${what}, such as { "text": "…" }`, line);
}

/** A line may come in many pieces, which are joined once. One that is too long ends the file. */
async function* linesOf(text: AsyncIterable<string>, maxLength: number): AsyncGenerator<string> {
  let pieces: string[] = [];
  let length = 0;
  for await (const chunk of text) {
    let start = 0;
    for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', start)) {
      pieces.push(chunk.slice(start, end));
      yield pieces.length === 1 ? (pieces[0] as string) : pieces.join('');
      pieces = [];
      length = 0;
      start = end + 1;
    }
    if (start === chunk.length) continue;
    pieces.push(chunk.slice(start));
    length += chunk.length - start;
    if (length > maxLength) break;
  }
  if (pieces.length > 0) yield pieces.join('');
}
