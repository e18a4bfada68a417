import { stripVTControlCharacters } from 'node:util';
import type { Journal, RunListing } from '@stratagem/core';
import { UsageError } from '../options/usage-error.js';
import { COMMAND } from '../output/command-name.js';
import { runTable } from '../output/run-table.js';

/** An error lists at most this many runs. */
const MAX_SHOWN = 10;

/**
 * Finds the run with this id, or the only run whose id starts with it.
 *
 * @throws {UsageError} listing the runs to choose from.
 */
export async function findRun(journal: Journal, idOrPrefix: string): Promise<RunListing> {
  const runs = await journal.list();
  const exact = runs.find(({ id }) => id === idOrPrefix);
  if (exact !== undefined) return exact;
  const matches = runs.filter(({ id }) => id.startsWith(idOrPrefix));
  const [only] = matches;
  if (only !== undefined && matches.length === 1) return only;
  if (matches.length > 1) {
    throw new UsageError(`${matches.length} run ids start with "${idOrPrefix}":\n${list(matches)}`);
  }
  if (runs.length === 0) throw new UsageError(`No run "${idOrPrefix}": the journal is empty`);
  throw new UsageError(`No run "${idOrPrefix}" in this journal. It contains:\n${list(runs)}`);
}

function list(runs: readonly RunListing[]): string {
  // Messages are printed without colours: their control characters are made visible.
  const table = stripVTControlCharacters(runTable(runs.slice(0, MAX_SHOWN), process.stderr));
  const more = runs.length - MAX_SHOWN;
  return more <= 0 ? table : `${table}\n  … and ${more} more (${COMMAND} runs lists them all)`;
}
