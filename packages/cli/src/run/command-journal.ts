import type { EventData, Journal } from '@stratagem/core';
import type { RunJournal } from '@stratagem/core/journal';
import { addCommandRecord, type CommandRecord } from './command-record.js';

/** A journal that adds the command to the record of a run. */
export interface CommandJournal extends Journal {
  /**
   * Leaves cancellations out of the record from now on: it reads as if the process had died, so
   * that the run can be resumed. Tasks that complete in the meantime are still recorded.
   */
  interrupt(): void;
}

/** @param record Added to the first event of a new run. */
export function commandJournal(journal: Journal, record?: CommandRecord): CommandJournal {
  let isInterrupted = false;

  const toRecord = (events: readonly EventData[]): readonly EventData[] => {
    if (isInterrupted) return events.filter((event) => !isCancellation(event));
    const [first, ...rest] = events;
    if (record === undefined || first?.type !== 'run_started') return events;
    return [addCommandRecord(first, record), ...rest];
  };
  const wrap = (run: RunJournal): RunJournal => ({
    runId: run.runId,
    append: (events) => run.append(toRecord(events)),
    close: () => run.close(),
  });

  return {
    create: async (run) => wrap(await journal.create(run)),
    open: async (runId) => {
      const opened = await journal.open(runId);
      return { ...wrap(opened), events: opened.events };
    },
    read: (runId) => journal.read(runId),
    list: () => journal.list(),
    lookup: (contentKey) => journal.lookup(contentKey),
    close: () => journal.close(),
    [Symbol.asyncDispose]: () => journal.close(),
    interrupt() {
      isInterrupted = true;
    },
  };
}

function isCancellation({ type, reason }: EventData): boolean {
  return type === 'run_canceled' || (type === 'task_canceled' && reason === 'run_canceled');
}
