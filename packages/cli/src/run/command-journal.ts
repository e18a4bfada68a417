import type { EventData, Journal } from '@stratagem/core';
import type { RunJournal } from '@stratagem/core/journal';
import { addCommandRecord, type CommandRecord } from './command-record.js';

/**
 * A journal that adds the command to the record of a run.
 *
 * @param record Added to the first event of a new run.
 */
export function commandJournal(journal: Journal, record?: CommandRecord): Journal {
  const toRecord = (events: readonly EventData[]): readonly EventData[] => {
    const [first, ...rest] = events;
    if (record === undefined || first?.type !== 'run_started') return events;
    return [addCommandRecord(first, record), ...rest];
  };
  const wrap = (run: RunJournal): RunJournal => ({
    runId: run.runId,
    append: (events, onWritten) => run.append(toRecord(events), onWritten),
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
  };
}
