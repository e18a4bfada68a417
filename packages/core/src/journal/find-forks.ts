import type { RunOrigin } from '../contract/event.js';
import type { EventData, Journal } from '../contract/journal.js';

/** A run that began with the results of another one. */
export interface Fork {
  readonly runId: string;
  /** Where it comes from, and what is different in it. */
  readonly forkedFrom: RunOrigin;
}

/** Each of them costs one read. */
const MAX_RUNS = 200;

/**
 * The forks of a run, the newest first. Only the fork records where it comes from, so the first events of the
 * newest 200 runs since then are read.
 *
 * Rejects with a `JournalError` when the journal cannot be listed.
 *
 * @example
 * for (const { runId, forkedFrom } of await findForks(journal, 'market-7')) console.log(runId, forkedFrom.inputs);
 */
export async function findForks(journal: Journal, runId: string): Promise<Fork[]> {
  const runs = await journal.list();
  const since = runs.find(({ id }) => id === runId)?.startedAt ?? 0;
  const forks: Fork[] = [];
  for (const { id, startedAt, status } of runs.slice(0, MAX_RUNS)) {
    if (id === runId || startedAt < since || status === 'queued') continue;
    const forkedFrom = (await firstEvent(journal, id))?.forkedFrom as RunOrigin | undefined;
    if (forkedFrom?.runId === runId) forks.push({ runId: id, forkedFrom });
  }
  return forks;
}

/** Undefined for a run that cannot be read: it is none of this one's concern. */
async function firstEvent(journal: Journal, runId: string): Promise<EventData | undefined> {
  try {
    for await (const event of journal.read(runId)) return event;
  } catch {}
  return undefined;
}
