import type { Journal, RunSummary } from '@stratagem/core';
import { UsageError } from '../output/exit-code.js';
import { runTable } from '../output/run-table.js';

/** How many runs are worth showing when none is the one that was meant. */
const MAX_SHOWN = 10;

/**
 * The run of that id, or the only one whose id begins so.
 *
 * @throws {UsageError} with the runs that could have been meant.
 */
export async function findRun(journal: Journal, wanted: string): Promise<RunSummary> {
  const runs = await journal.list();
  const exact = runs.find(({ id }) => id === wanted);
  if (exact !== undefined) return exact;
  const fitting = runs.filter(({ id }) => id.startsWith(wanted));
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return only;
  if (fitting.length > 1) {
    throw new UsageError(`${fitting.length} runs begin with "${wanted}":\n${some(fitting)}`);
  }
  if (runs.length === 0) throw new UsageError(`There is no run "${wanted}": the journal is empty`);
  throw new UsageError(`There is no run "${wanted}" in this journal. It has:\n${some(runs)}`);
}

function some(runs: readonly RunSummary[]): string {
  const table = runTable(runs.slice(0, MAX_SHOWN), process.stderr);
  const more = runs.length - MAX_SHOWN;
  return more <= 0 ? table : `${table}\n  … and ${more} more; stratagem runs lists all`;
}
