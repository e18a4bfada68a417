import {
  type EventData,
  type Journal,
  listingAfter,
  newListing,
  type OpenedRun,
  type RunListing,
} from '../contract/journal.js';
import { journalErrors } from '../contract/journal-error.js';

/** One run; its events as text, as what was appended may be changed afterwards. */
interface Recorded {
  summary: RunListing;
  readonly events: string[];
  /** Whoever may write it; undefined when nobody does. */
  lease: object | undefined;
}

/**
 * A journal in memory: it survives a run that is canceled or a journal's failure in a test, not the
 * process. For that, see `@stratagem/sqlite`.
 *
 * @example
 * const journal = memoryJournal();
 * const executor = createExecutor({ strategy: parallel(), runner: openai(), journal });
 * const run = executor.execute(plan);
 * const { status } = await run;
 * const again = await executor.resume(run.runId); // It is complete: the same result, at once.
 */
export function memoryJournal(): Journal {
  // In the order in which they were created.
  const runs = new Map<string, Recorded>();
  const completions = new Map<string, { readonly runId: string; readonly event: string }>();
  let isClosed = false;

  const requireOpen = () => {
    if (isClosed) throw journalErrors.closed();
  };
  const find = (runId: string): Recorded => {
    const run = runs.get(runId);
    if (run === undefined) throw journalErrors.runNotFound(runId);
    return run;
  };

  function take(runId: string, run: Recorded): OpenedRun {
    if (run.lease !== undefined) throw journalErrors.runLocked(runId);
    const lease = {};
    run.lease = lease;
    return {
      runId,
      events: run.events.map(parse),
      append(events) {
        if (run.lease !== lease) throw journalErrors.closed(runId);
        for (const event of events) {
          const text = JSON.stringify(event);
          run.events.push(text);
          run.summary = listingAfter(run.summary, event);
          const { contentKey } = event;
          if (contentKey !== undefined) completions.set(contentKey, { runId, event: text });
        }
      },
      close() {
        if (run.lease === lease) run.lease = undefined;
      },
    };
  }

  async function close(): Promise<void> {
    isClosed = true;
    for (const run of runs.values()) run.lease = undefined;
  }

  return {
    async create(run) {
      requireOpen();
      const known = runs.get(run.id);
      if (known?.lease !== undefined) throw journalErrors.runLocked(run.id);
      if (known !== undefined && known.events.length > 0) throw journalErrors.runExists(run.id);
      const recorded = { summary: newListing(run), events: [], lease: undefined };
      runs.delete(run.id);
      runs.set(run.id, recorded);
      return take(run.id, recorded);
    },
    async open(runId) {
      requireOpen();
      return take(runId, find(runId));
    },
    async *read(runId) {
      requireOpen();
      yield* find(runId).events.map(parse);
    },
    async list() {
      requireOpen();
      const summaries = [...runs.values()].map(({ summary, lease }) => {
        const isOpen = summary.status === 'created' || summary.status === 'running';
        return isOpen && lease === undefined
          ? { ...summary, status: 'interrupted' as const }
          : summary;
      });
      // Stable, so that of two that started together the one that was created later comes first.
      return summaries.reverse().sort((a, b) => b.startedAt - a.startedAt);
    },
    async lookup(contentKey) {
      requireOpen();
      const found = completions.get(contentKey);
      return found && { runId: found.runId, event: parse(found.event) };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function parse(text: string): EventData {
  return JSON.parse(text) as EventData;
}
