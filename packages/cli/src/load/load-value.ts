import { UsageError } from '../options/usage-error.js';
import { parseSource } from './parse-source.js';
import { readSource } from './read-source.js';

/**
 * Reads a YAML or JSON file.
 *
 * @throws {UsageError} with the first syntax error and its place in the file.
 */
export async function loadValue(file: string): Promise<unknown> {
  const { lines, source, problems } = parseSource(await readSource(file, file));
  const [problem] = problems ?? source.problems;
  if (problem === undefined) return source?.value;
  const { line, col } = lines.linePos(problem.offset);
  throw new UsageError(`${file}:${line}:${col}  ${problem.message}`);
}
