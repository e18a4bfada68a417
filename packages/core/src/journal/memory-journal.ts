import {
  type EventData,
  type Journal,
  type Json,
  listingAfter,
  newListing,
  type OpenedRun,
  type RunListing,
} from '../contract/journal.js';
import { journalErrors } from '../contract/journal-error.js';

interface StoredRun {
  summary: RunListing;
  /** For each append, the list of its events as text: callers may change the objects afterwards. */
  readonly appends: string[];
  /** Identifies the writer; undefined when the run is not being written. */
  lease: object | undefined;
}

/** An event among those of an append. */
interface StoredCompletion {
  readonly runId: string;
  readonly text: string;
  readonly position: number;
}

/**
 * A journal in memory. Its runs can be resumed in this process, but are lost when the process ends;
 * `@stratagem/sqlite` keeps them on disk.
 *
 * @example
 * const journal = memoryJournal();
 * const executor = createExecutor({ strategy: parallel(), runner: openai(), journal });
 * const run = executor.execute(plan);
 * await run.orThrow();
 * const again = await executor.resume(run.runId); // Already complete: returns the same result at once.
 */
export function memoryJournal(): Journal {
  // In order of creation.
  const runs = new Map<string, StoredRun>();
  const completions = new Map<string, StoredCompletion>();
  /** The bytes of attachments by their hash: all runs share them. */
  const bytes = new Map<string, Json>();
  let isClosed = false;

  const withoutBytes = (event: EventData): EventData => {
    if (event.data === undefined) return event;
    bytes.set(event.sha256 as string, event.data);
    return { ...event, data: null };
  };
  const withBytes = (event: EventData): EventData =>
    event.type === 'task_output' && event.data === null
      ? { ...event, data: bytes.get(event.sha256 as string) }
      : event;
  const requireOpen = () => {
    if (isClosed) throw journalErrors.closed();
  };
  const find = (runId: string): StoredRun => {
    const run = runs.get(runId);
    if (run === undefined) throw journalErrors.runNotFound(runId);
    return run;
  };

  function acquire(runId: string, run: StoredRun): OpenedRun {
    if (run.lease !== undefined) throw journalErrors.runLocked(runId);
    const lease = {};
    run.lease = lease;
    return {
      runId,
      isInMemory: true,
      events: [...eventsOf(run)].map(withBytes),
      append(events) {
        if (run.lease !== lease) throw journalErrors.closed(runId);
        const stored = [...events];
        for (let position = 0; position < events.length; position++) {
          const event = events[position] as EventData;
          if (event.type === 'task_output') stored[position] = withoutBytes(event);
          if (event.type !== 'task_started') run.summary = listingAfter(run.summary, event);
        }
        const text = JSON.stringify(stored);
        run.appends.push(text);
        for (let position = 0; position < events.length; position++) {
          const { contentKey } = events[position] as EventData;
          if (contentKey !== undefined) completions.set(contentKey, { runId, text, position });
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
      if (known !== undefined && known.appends.length > 0) throw journalErrors.runExists(run.id);
      const recorded = { summary: newListing(run), appends: [], lease: undefined };
      runs.delete(run.id);
      runs.set(run.id, recorded);
      return acquire(run.id, recorded);
    },
    async open(runId) {
      requireOpen();
      return acquire(runId, find(runId));
    },
    async *read(runId) {
      requireOpen();
      for (const event of eventsOf(find(runId))) yield withBytes(event);
    },
    async list() {
      requireOpen();
      const summaries = [...runs.values()].map(({ summary, lease }) => {
        const isOpen = summary.status === 'created' || summary.status === 'running';
        return isOpen && lease === undefined
          ? { ...summary, status: 'interrupted' as const }
          : summary;
      });
      // The sort is stable: of two runs that started together, the later created one comes first.
      return summaries.reverse().sort((a, b) => b.startedAt - a.startedAt);
    },
    async lookup(contentKey) {
      requireOpen();
      const found = completions.get(contentKey);
      if (found === undefined) return undefined;
      return { runId: found.runId, event: parse(found.text)[found.position] as EventData };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function eventsOf({ appends }: StoredRun): EventData[] {
  return appends.flatMap(parse);
}

function parse(text: string): EventData[] {
  return JSON.parse(text) as EventData[];
}
