import { isStratagemError, type Journal, type RunEvent, readRun } from '@stratagem/core';

/** The events of a recorded run, and what a reader must know of the record. */
export interface RecordedEvents {
  readonly events: readonly RunEvent[];
  /** Set when the record is damaged: the events are those before the damage. */
  readonly notice?: string;
}

/** Reads a recorded run; what comes before a damage is still of use. */
export async function readEvents(journal: Journal, runId: string): Promise<RecordedEvents> {
  const events: RunEvent[] = [];
  try {
    for await (const event of readRun(journal, runId)) events.push(event);
  } catch (error) {
    const isDamaged = isStratagemError(error) && error.code === 'journal_corrupt';
    if (!isDamaged || events.length === 0) throw error;
    const last = events.at(-1)?.sequence;
    return { events, notice: `The log ends at event ${last}. What is shown is up to there.` };
  }
  return { events };
}
