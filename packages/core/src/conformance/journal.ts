import type { EventData, Journal, Json, RunJournal } from '../contract/journal.js';
import { assert, type ConformanceCase } from './case.js';
import { all, casesOf, refuses, same } from './store-checks.js';

export interface JournalConformanceOptions {
  /**
   * Opens the data of a closed journal again, as another process would. Without it, durability is not
   * tested: a journal in memory has none.
   */
  readonly reopen?: ((closed: Journal) => Journal | Promise<Journal>) | undefined;
}

/**
 * The cases that every journal must pass, for any test runner: order, leases, lists, values of every
 * kind and, with `reopen`, durability.
 *
 * @param create Creates an empty journal; called once per case, which closes it.
 *
 * @example
 * for (const { name, run } of journalConformance(() => memoryJournal())) test(name, run);
 */
export function journalConformance(
  create: () => Journal | Promise<Journal>,
  { reopen }: JournalConformanceOptions = {},
): ConformanceCase[] {
  const cases = casesOf(CASES, create);
  if (reopen === undefined) return cases;
  return cases.concat(
    Object.entries(DURABLE_CASES).map(([name, prove]) => ({
      name,
      async run() {
        const journal = await create();
        const again = await prove(journal, async () => {
          await journal.close();
          return reopen(journal);
        });
        await again.close();
      },
    })),
  );
}

const CASES: Record<string, (journal: Journal) => Promise<void>> = {
  async 'returns the events in order'(journal) {
    const run = await journal.create(newRun('a'));
    await run.append([started(0), task(1, 'x')]);
    await run.append([]);
    await run.append([task(2, 'y')]);
    await run.append([ended(7)]);
    same(await all(journal, 'a'), [started(0), task(1, 'x'), task(2, 'y'), ended(7)]);
    await run.close();
    same(await all(journal, 'a'), [started(0), task(1, 'x'), task(2, 'y'), ended(7)]);
  },

  async 'opens a run with all its events and continues it'(journal) {
    const first = await journal.create(newRun('a'));
    await first.append([started(0), task(1, 'x')]);
    await first.close();
    const second = await journal.open('a');
    assert(second.runId === 'a', `the opened run has the id "${second.runId}"`);
    same(second.events, [started(0), task(1, 'x')]);
    await second.append([task(2, 'y')]);
    same(await all(journal, 'a'), [started(0), task(1, 'x'), task(2, 'y')]);
    await second.close();
  },

  async 'needs the events of an opened run no longer once they were read'(journal) {
    const first = await write(journal, 'a', [started(0), task(1, 'x')]);
    await first.close();
    const run = await journal.open('a');
    // As a run does that is resumed.
    if (Object.getOwnPropertyDescriptor(run, 'events')?.writable)
      Object.assign(run, { events: [] });
    await run.append([task(2, 'y')]);
    await run.close();
    const again = await journal.open('a');
    same(again.events, [started(0), task(1, 'x'), task(2, 'y')]);
    same(await all(journal, 'a'), again.events);
    await again.close();
  },

  async 'stores values of every kind unchanged'(journal) {
    const run = await journal.create(newRun('a'));
    const events = VALUES.map((output, index) => ({ ...task(index, `t${index}`), output }));
    await run.append(events);
    same(await all(journal, 'a'), events);
    await run.close();
    same((await journal.open('a')).events, events);
  },

  async 'stores events as appended, even if their objects change later'(journal) {
    const run = await journal.create(newRun('a'));
    const output = { list: [1, 2] };
    const appended = run.append([{ ...task(0, 'x'), output }]);
    output.list.push(3);
    await appended;
    same(await all(journal, 'a'), [{ ...task(0, 'x'), output: { list: [1, 2] } }]);
  },

  async 'stores thousands of events, appended in small and large batches'(journal) {
    const run = await journal.create(newRun('a'));
    const events = Array.from({ length: 3_000 }, (_, index) => task(index, `t${index}`));
    await run.append(events.slice(0, 2_500));
    for (const event of events.slice(2_500)) await run.append([event]);
    same(await all(journal, 'a'), events);
  },

  async 'says once at most that events are written, before it has appended them'(journal) {
    const run = await journal.create(newRun('a'));
    let calls = 0;
    await run.append([started(0)], () => calls++);
    const atItsEnd = calls;
    await run.append([task(1, 'x')]);
    assert(atItsEnd <= 1 && calls === atItsEnd, 'append() called onWritten again, or too late');
    same(await all(journal, 'a'), [started(0), task(1, 'x')]);
  },

  async 'keeps runs apart that are written concurrently'(journal) {
    const [a, b] = [await journal.create(newRun('a')), await journal.create(newRun('b'))];
    await a.append([task(0, 'x')]);
    await b.append([task(0, 'y')]);
    await a.append([task(1, 'z')]);
    same(await all(journal, 'a'), [task(0, 'x'), task(1, 'z')]);
    same(await all(journal, 'b'), [task(0, 'y')]);
  },

  async 'refuses to create a run that already has events'(journal) {
    const run = await journal.create(newRun('a'));
    await run.append([started(0)]);
    await run.close();
    await refuses('run_exists', () => journal.create(newRun('a')));
    same(await all(journal, 'a'), [started(0)]);
  },

  async 'creates a run again that never started'(journal) {
    await (await journal.create(newRun('a'))).close();
    const run = await journal.create(newRun('a', 'another'));
    await run.append([started(0)]);
    same(await all(journal, 'a'), [started(0)]);
    assert((await journal.list()).length === 1, 'it must be listed once');
  },

  async 'rejects the id of an unknown run'(journal) {
    await refuses('run_not_found', () => journal.open('a'));
    await refuses('run_not_found', () => all(journal, 'a'));
  },

  async 'allows one writer of a run at a time'(journal) {
    const run = await journal.create(newRun('a'));
    await refuses('run_locked', () => journal.create(newRun('a')));
    await run.append([started(0)]);
    await refuses('run_locked', () => journal.open('a'));
    await run.close();
    const again = await journal.open('a');
    await refuses('run_locked', () => journal.open('a'));
    await again.close();
    await (await journal.open('a')).close();
  },

  async 'keeps the lease of a writer when the time of day is set, and frees it on release'(
    journal,
  ) {
    const run = await journal.create(newRun('a'));
    for (const ms of [3_600_000, -3_600_000]) {
      await withTimeOfDay(ms, async () => {
        await refuses('run_locked', () => journal.open('a'));
        await run.append([task(Math.abs(ms), 'x')]);
        await refuses('run_locked', () => journal.open('a'));
      });
    }
    await withTimeOfDay(-3_600_000, async () => {
      await run.close();
      await (await journal.open('a')).close();
    });
  },

  async 'rejects appends after the lease is released'(journal) {
    const run = await journal.create(newRun('a'));
    await run.append([started(0)]);
    await run.close();
    await run.close();
    await refuses('journal_failed', async () => run.append([task(1, 'x')]));
    const next = await journal.open('a');
    await refuses('journal_failed', async () => run.append([task(1, 'x')]));
    same(next.events, [started(0)]);
  },

  async 'lists runs with their progress, newest first'(journal) {
    const created = await journal.create(newRun('created', 'not begun', 4_000));
    const done = await write(journal, 'done', [started(1_000, 3), task(1_001, 'x'), ended(1_002)]);
    const grown = await write(journal, 'grown', [
      started(2_000, 3),
      { ...event('tasks_added', 2_001), source: 'add_tasks', tasks: [], taskCount: 4 },
      task(2_002, 'x'),
      task(2_003, 'y'),
    ]);
    await done.close();
    same(await journal.list(), [
      summary('created', 'created', 4_000, 0, 0, 'not begun'),
      summary('grown', 'running', 2_000, 2, 7),
      summary('done', 'completed', 1_000, 1, 3),
    ]);
    await created.close();
    await grown.close();
    const statuses = (await journal.list()).map(({ status }) => status);
    same(statuses, ['interrupted', 'interrupted', 'completed']);
  },

  async 'lists a resumed run with its new status'(journal) {
    await (await write(journal, 'a', [started(1_000), event('run_failed', 1_001)])).close();
    await (await write(journal, 'b', [started(500), event('run_canceled', 501)])).close();
    same(
      (await journal.list()).map(({ status }) => status),
      ['failed', 'canceled'],
    );
    const again = await journal.open('a');
    await again.append([event('run_resumed', 3_000)]);
    same((await journal.list())[0], summary('a', 'running', 1_000, 0, 1));
    await again.append([task(3_001, 'x'), ended(3_002)]);
    same((await journal.list())[0], summary('a', 'completed', 1_000, 1, 1));
  },

  async 'lists the run that a fork comes from, also after its plan has changed'(journal) {
    const forkedFrom = { runId: 'a', sequence: 1 };
    const fork = await write(journal, 'fork', [{ ...started(1_000), forkedFrom }]);
    const listed = { ...summary('fork', 'running', 1_000, 0, 1), forkedFrom: 'a' };
    same(await journal.list(), [listed]);
    await fork.append([started(1_001)]);
    same(await journal.list(), [listed]);
    await fork.close();
  },

  async 'finds the latest completion with a content key'(journal) {
    const keyed = (sequence: number, key: string, output: Json) => ({
      ...task(sequence, 'x'),
      contentKey: key,
      output,
    });
    same(await journal.lookup('k'), undefined);
    const first = await write(journal, 'a', [
      keyed(0, 'k', 1),
      task(1, 'y'),
      keyed(2, 'l', 'other'),
    ]);
    same(await journal.lookup('k'), { runId: 'a', event: keyed(0, 'k', 1) });
    await write(journal, 'b', [keyed(0, 'k', { list: [2] })]);
    same(await journal.lookup('k'), { runId: 'b', event: keyed(0, 'k', { list: [2] }) });
    await first.append([keyed(3, 'k', 3)]);
    same(await journal.lookup('k'), { runId: 'a', event: keyed(3, 'k', 3) });
    same(await journal.lookup('l'), { runId: 'a', event: keyed(2, 'l', 'other') });
    same(await journal.lookup('m'), undefined);
  },

  async 'rejects every call after close'(journal) {
    const run = await journal.create(newRun('a'));
    await run.append([started(0)]);
    await journal.close();
    await journal.close();
    await refuses('journal_failed', async () => run.append([task(1, 'x')]));
    await refuses('journal_failed', () => journal.create(newRun('b')));
    await refuses('journal_failed', () => journal.open('a'));
    await refuses('journal_failed', () => all(journal, 'a'));
    await refuses('journal_failed', () => journal.list());
    await refuses('journal_failed', () => journal.lookup('k'));
    await run.close();
  },

  async 'accepts every allowed kind of id'(journal) {
    const ids = ['a', 'A', '-', '_.', '0.9', 'x'.repeat(128), 'CON', '__proto__', 'constructor'];
    for (const id of ids) await write(journal, id, [{ ...task(0, 'x'), output: id }]);
    for (const id of ids) same(await all(journal, id), [{ ...task(0, 'x'), output: id }]);
    same((await journal.list()).map(({ id }) => id).sort(), [...ids].sort());
  },
};

type Reopen = () => Promise<Journal>;

const DURABLE_CASES: Record<string, (journal: Journal, reopen: Reopen) => Promise<Journal>> = {
  async 'has all appended events after it is reopened'(journal, reopen) {
    const events = VALUES.map((output, index) => ({
      ...task(index, `t${index}`),
      output,
      contentKey: `key ${index}`,
    }));
    await write(journal, 'a', [started(1_000), ...events]);
    await write(journal, 'b', [started(2_000), ended(2_001)]);
    const again = await reopen();
    same(await all(again, 'a'), [started(1_000), ...events]);
    same(await again.lookup('key 3'), { runId: 'a', event: events[3] as EventData });
    same(await again.list(), [
      summary('b', 'completed', 2_000, 0, 1),
      summary('a', 'interrupted', 1_000, events.length, 1),
    ]);
    await refuses('run_exists', () => again.create(newRun('a')));
    const run = await again.open('a');
    same(run.events, [started(1_000), ...events]);
    await run.append([ended(3_000)]);
    same((await again.list())[1], summary('a', 'completed', 1_000, events.length, 1));
    return again;
  },

  async 'releases all leases when it is closed'(journal, reopen) {
    await write(journal, 'a', [started(0)]);
    const again = await reopen();
    await (await again.open('a')).close();
    return again;
  },
};

const VALUES: readonly Json[] = [
  null,
  true,
  false,
  0,
  -1.5e-7,
  2 ** 53,
  1e308,
  '',
  'plain',
  'ümläute, 漢字, 🦉, \u0000, \u2028, "quotes" and \\',
  '\ud800 alone',
  'long '.repeat(40_000),
  [],
  {},
  [[], [{}], [null, [1, 'two', { three: [3] }]]],
  JSON.parse('{"__proto__":{"a":1},"constructor":"b","":0," ":1,"7":2,"a.b":3}') as Json,
  { z: 1, a: 2, deep: { deeper: { deepest: ['x'.repeat(2_000)] } } },
  // Some stores may mistake these for a number, null or a date.
  '12',
  'null',
  '2026-01-01T00:00:00.000Z',
];

/** Does the work while the time of day is ahead by so many milliseconds. */
async function withTimeOfDay(aheadMs: number, work: () => Promise<void>): Promise<void> {
  const { now } = Date;
  Date.now = () => now() + aheadMs;
  try {
    await work();
  } finally {
    Date.now = now;
  }
}

function newRun(id: string, goal = 'test the journal', createdAt = 1_000) {
  return { id, goal, createdAt };
}

function event(type: EventData['type'], at: number): EventData {
  return { type, sequence: at, timestamp: at + 0.25 };
}

function started(at: number, taskCount = 1): EventData {
  const plan = { goal: 'test the journal', tasks: [{ id: 'x', description: 'do it' }] };
  return { ...event('run_started', at), plan, taskCount, seed: 1 };
}

function task(at: number, taskId: string): EventData {
  const attempt = { level: 0, attempt: 1, durationMs: 0.125 };
  return { ...event('task_completed', at), taskId, ...attempt, output: `output of ${taskId}` };
}

function ended(at: number): EventData {
  return { ...event('run_completed', at), durationMs: 5 };
}

function summary(
  id: string,
  status: string,
  startedAt: number,
  completedTasks: number,
  totalTasks: number,
  goal = 'test the journal',
) {
  // A run that has started is listed with the time of its first event.
  const fraction = totalTasks === 0 ? 0 : 0.25;
  return { id, goal, status, startedAt: startedAt + fraction, completedTasks, totalTasks };
}

async function write(
  journal: Journal,
  id: string,
  events: readonly EventData[],
): Promise<RunJournal> {
  const run = await journal.create(newRun(id));
  await run.append(events);
  return run;
}
