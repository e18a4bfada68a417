import type { EventData, Journal, RunJournal } from '@stratagem/core';
import { type CommandRecord, withRecord } from './command-record.js';

/** The journal of a run of the command line. */
export interface CommandJournal extends Journal {
  /**
   * From now on the run is being stopped by the user, who may go on with it: its record is to read
   * as if the process had ended. What completes meanwhile is recorded all the same.
   */
  interrupt(): void;
}

/** @param record What is written down with the first event of a new run. */
export function commandJournal(journal: Journal, record?: CommandRecord): CommandJournal {
  let isInterrupted = false;

  const keep = (events: readonly EventData[]): readonly EventData[] => {
    if (isInterrupted) return events.filter((event) => !isOfInterrupt(event));
    const [first, ...rest] = events;
    if (record === undefined || first?.type !== 'plan_started') return events;
    return [withRecord(first, record), ...rest];
  };
  const kept = (run: RunJournal): RunJournal => ({
    runId: run.runId,
    append: (events) => run.append(keep(events)),
    close: () => run.close(),
  });

  return {
    create: async (run) => kept(await journal.create(run)),
    open: async (runId) => {
      const opened = await journal.open(runId);
      return { ...kept(opened), events: opened.events };
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

function isOfInterrupt({ type, reason }: EventData): boolean {
  return type === 'plan_canceled' || (type === 'task_canceled' && reason === 'plan_canceled');
}
