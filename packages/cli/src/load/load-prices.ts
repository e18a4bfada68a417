import type { PriceTable } from '@stratagem/core';
import { UsageError } from '../output/exit-code.js';
import { parseSource } from './parse-source.js';
import { readSource } from './read-source.js';

/**
 * Reads prices by model from a YAML or JSON file. That each is a price is checked by the executor.
 *
 * @throws {UsageError} when the file cannot be read.
 */
export async function loadPrices(file: string): Promise<PriceTable> {
  const { lines, tree, problems } = parseSource(await readSource(file, file));
  const [problem] = problems ?? tree.problems;
  if (problem === undefined) return tree?.value as PriceTable;
  const { line, col } = lines.linePos(problem.offset);
  throw new UsageError(`${file}:${line}:${col}  ${problem.message}`);
}
