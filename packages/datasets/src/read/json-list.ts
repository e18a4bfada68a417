import { JSONParser } from '@streamparser/json';
import { setRowNumber } from '../row-numbers.js';
import { requireObject } from './json-lines.js';
import { RowsError } from './rows-error.js';

/**
 * The rows of a JSON file with a list of objects, read as they come.
 *
 * @throws {RowsError} for anything else.
 */
export async function* readJsonList(
  text: AsyncIterable<string>,
  name: string,
): AsyncGenerator<Record<string, unknown>> {
  const parser = new JSONParser({ paths: ['$.*'], keepStack: false });
  let ready: unknown[] = [];
  let problem: Error | undefined;
  let count = 0;
  let isList = false;
  parser.onValue = ({ value }) => {
    ready.push(value);
  };
  parser.onError = (error) => {
    problem ??= error;
  };
  const take = function* (): Generator<Record<string, unknown>> {
    const values = ready;
    ready = [];
    for (const value of values) {
      const row = requireObject(value, name, undefined, `row ${++count} must be an object`);
      setRowNumber(row, count);
      yield row;
    }
    if (problem === undefined) return;
    const message = `is not JSON after row ${count}: ${problem.message}`;
    throw new RowsError(name, message, undefined, { cause: problem });
  };
  for await (const chunk of text) {
    if (!isList && chunk.trim() !== '') {
      isList = chunk.trimStart().startsWith('[');
      if (!isList)
        throw new RowsError(name, 'must be a list of objects; or use .jsonl for JSON Lines');
    }
    write(() => parser.write(chunk));
    yield* take();
  }
  if (!isList) throw new RowsError(name, 'is empty: it must be a list of objects');
  if (!parser.isEnded)
    throw new RowsError(name, `ends in the middle of the list, after row ${count}`);

  /** Some errors are thrown, others are reported. */
  function write(work: () => void): void {
    try {
      work();
    } catch (error) {
      problem ??= error as Error;
    }
  }
}
