import type { EventData, Journal, RunJournal } from '../src/contract/journal.js';
import { memoryJournal } from '../src/journal/memory-journal.js';

interface TestJournal extends Journal {
  /** The appended events, by batch. */
  readonly batches: (readonly EventData[])[];
}

/**
 * A journal in memory whose appends can fail.
 *
 * @param onAppend Called before each append with its events; if it throws or rejects, the append fails
 * with that error and writes nothing.
 */
export function testJournal(
  onAppend: (events: readonly EventData[], append: number) => void | Promise<void> = () => {},
): TestJournal {
  const inner = memoryJournal();
  const batches: (readonly EventData[])[] = [];
  const wrap = <T extends RunJournal>(run: T): T => ({
    ...run,
    isInMemory: false,
    append(events) {
      const commit = () => {
        batches.push(JSON.parse(JSON.stringify(events)));
        return run.append(events);
      };
      const before = onAppend(events, batches.length);
      return before instanceof Promise ? before.then(commit) : commit();
    },
  });
  return {
    ...inner,
    batches,
    create: async (run) => wrap(await inner.create(run)),
    open: async (runId) => wrap(await inner.open(runId)),
  };
}

export async function logOf(journal: Journal, runId: string): Promise<EventData[]> {
  const events: EventData[] = [];
  for await (const event of journal.read(runId)) events.push(event);
  return events;
}

/** A journal with the first events of a run, as if the process had ended then. */
export async function crashed(log: readonly EventData[], runId = 'one'): Promise<Journal> {
  const journal = memoryJournal();
  const run = await journal.create({ id: runId, goal: 'x', createdAt: 0 });
  await run.append(log);
  await run.close();
  return journal;
}
