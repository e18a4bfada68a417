import type { RunOrigin } from '../contract/event.js';
import type { EventData, Journal } from '../contract/journal.js';

/** A run that began with the results of another one. */
export interface Fork {
  readonly runId: string;
  /** Where it comes from, and what is different in it. */
  readonly forkedFrom: RunOrigin;
}

/**
 * The forks of a run, the newest first.
 *
 * Rejects with a `JournalError` when the journal cannot be listed.
 *
 * @example
 * for (const { runId, forkedFrom } of await findForks(journal, 'market-7')) console.log(runId, forkedFrom.inputs);
 */
export async function findForks(journal: Journal, runId: string): Promise<Fork[]> {
  const forks: Fork[] = [];
  for (const { id, forkedFrom: source } of await journal.list()) {
    if (source !== runId) continue;
    const forkedFrom = (await firstEvent(journal, id))?.forkedFrom as RunOrigin | undefined;
    if (forkedFrom !== undefined) forks.push({ runId: id, forkedFrom });
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
