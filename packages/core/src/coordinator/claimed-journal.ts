import type { Journal, OpenedRun } from '../contract/journal.js';

/**
 * A journal in which opening a claimed run gives its claimed record. Its lease stays until the
 * coordinator releases it, so that a run that cannot start here is not claimed again at once.
 */
export function claimedJournal(journal: Journal, opened: OpenedRun): Journal {
  return {
    create: (run) => journal.create(run),
    async open(runId) {
      if (runId !== opened.runId) return journal.open(runId);
      return {
        runId,
        events: opened.events,
        isInMemory: opened.isInMemory,
        append: (events, onWritten) => opened.append(events, onWritten),
        close() {},
      };
    },
    read: (runId) => journal.read(runId),
    list: () => journal.list(),
    lookup: (contentKey) => journal.lookup(contentKey),
    close: () => journal.close(),
    [Symbol.asyncDispose]: () => journal.close(),
  };
}
