import type { EventData } from '../contract/journal.js';
import type { ClaimedRun, QueuedRun, RunQueue } from '../contract/run-queue.js';
import { assert, type ConformanceCase } from './case.js';
import { REQUEST_CASES } from './run-requests.js';
import { all, casesOf, listen, refuses, same } from './store-checks.js';

export interface RunQueueConformanceOptions {
  /**
   * Opens the data of a closed queue again, as another process would. Without it, durability is not
   * tested.
   */
  readonly reopen?: ((closed: RunQueue) => RunQueue | Promise<RunQueue>) | undefined;
}

/**
 * The cases that every queue of runs must pass beside those of `journalConformance`, for any test runner:
 * order, fairness between tenants, leases, and requests to the processes of runs.
 *
 * @param create Creates an empty queue; called once per case, which closes it.
 *
 * @example
 * for (const { name, run } of runQueueConformance(() => memoryRunQueue())) test(name, run);
 */
export function runQueueConformance(
  create: () => RunQueue | Promise<RunQueue>,
  { reopen }: RunQueueConformanceOptions = {},
): ConformanceCase[] {
  const cases = casesOf({ ...CASES, ...REQUEST_CASES }, create);
  if (reopen === undefined) return cases;
  const durable: ConformanceCase = {
    name: 'has all queued runs after it is reopened',
    async run() {
      const queue = await create();
      await queue.submit(queued('a', { tenant: 'one' }));
      await queue.submit(queued('b', { tenant: 'one' }));
      await (await claim(queue, 'a')).opened.append([started('a')]);
      await queue.close();
      const again = await reopen(queue);
      try {
        const claimed = await claim(again, 'a');
        same(claimed.opened.events, [started('a')]);
        same(claimed.run, queued('a', { tenant: 'one' }));
        await claim(again, 'b');
      } finally {
        await again.close();
      }
    },
  };
  return [...cases, durable];
}

const CASES: Record<string, (queue: RunQueue) => Promise<void>> = {
  async 'gives back a run as it was submitted'(queue) {
    const run = queued('a', {
      inputs: { company: 'Ümläut 🦉', list: [1, null, { deep: true }] },
      options: { maxParallel: 4 },
      tenant: 'one',
    });
    const tasks = [{ id: 'x', description: 'do it' }];
    const plan = { goal: 'test the queue', tasks };
    const submitted = queue.submit({ ...run, plan });
    tasks.push({ id: 'y', description: 'changed later' });
    await submitted;
    const claimed = await claim(queue, 'a');
    same(claimed.run, run);
    same(claimed.opened.events, []);
    assert(claimed.opened.runId === 'a', `the claimed run has the id "${claimed.opened.runId}"`);
  },

  async 'has nothing to claim when it is empty'(queue) {
    await nothing(queue);
  },

  async 'lists a submitted run until it is claimed, and after'(queue) {
    await queue.submit(queued('a'));
    same(await statuses(queue), ['queued']);
    const { opened } = await claim(queue, 'a');
    same(await statuses(queue), ['created']);
    await opened.append([started('a')]);
    same(await statuses(queue), ['running']);
    await opened.close();
    same(await statuses(queue), ['interrupted']);
  },

  async 'claims runs in the order of their submission'(queue) {
    for (const id of ['c', 'a', 'b']) await queue.submit(queued(id));
    for (const id of ['c', 'a', 'b']) await claim(queue, id);
    await nothing(queue);
  },

  async 'claims a run of the tenant with the fewest claimed runs'(queue) {
    for (const id of ['a1', 'a2', 'a3']) await queue.submit(queued(id, { tenant: 'a' }));
    for (const id of ['b1', 'b2']) await queue.submit(queued(id, { tenant: 'b' }));
    await queue.submit(queued('c1'));
    const first = await claim(queue, 'a1');
    for (const id of ['b1', 'c1', 'a2', 'b2']) await claim(queue, id);
    await end(first);
    await queue.submit(queued('c2'));
    // Of one claimed run each, that of a was submitted first.
    await claim(queue, 'a3');
    await claim(queue, 'c2');
    await nothing(queue);
  },

  async 'gives no run to two that claim at once'(queue) {
    const ids = Array.from({ length: 20 }, (_, index) => `run-${index}`);
    for (const id of ids) await queue.submit(queued(id, { tenant: `${id.length}` }));
    const claimed: string[] = [];
    const claimAll = async () => {
      for (let next = await queue.claim(); next !== undefined; next = await queue.claim()) {
        claimed.push(next.run.id);
      }
    };
    await Promise.all(Array.from({ length: 5 }, claimAll));
    // One that lost a race may have found nothing although a run was left.
    await claimAll();
    same([...claimed].sort(), [...ids].sort());
  },

  async 'gives a released run to the next one, with its events'(queue) {
    await queue.submit(queued('a'));
    await queue.submit(queued('b'));
    const first = await claim(queue, 'a');
    await first.opened.append([started('a')]);
    await first.opened.close();
    await first.opened.close();
    // It keeps its place.
    const second = await claim(queue, 'a');
    same(second.opened.events, [started('a')]);
    await refuses('journal_failed', async () => first.opened.append([ended('a')]));
  },

  async 'does not let an earlier claim release or postpone a run that was claimed again'(queue) {
    await queue.submit(queued('a'));
    const first = await claim(queue, 'a');
    await first.opened.close();
    const second = await claim(queue, 'a');
    await first.postpone(3_600_000);
    await first.opened.close();
    await nothing(queue);
    await refuses('run_locked', () => queue.open('a'));
    await second.opened.append([started('a')]);
    await second.opened.close();
    await claim(queue, 'a');
  },

  async 'does not give back a run that has ended'(queue) {
    await queue.submit(queued('a'));
    await end(await claim(queue, 'a'));
    await nothing(queue);
    same(await statuses(queue), ['completed']);
    same(await all(queue, 'a'), [started('a'), ended('a')]);
  },

  async 'gives a resumed run that was interrupted again to the next one'(queue) {
    await queue.submit(queued('a'));
    await end(await claim(queue, 'a'));
    const again = await queue.open('a');
    await again.append([{ type: 'run_resumed', sequence: 9, timestamp: 9 }]);
    await nothing(queue);
    await again.close();
    await claim(queue, 'a');
  },

  async 'keeps a postponed run from being claimed'(queue) {
    await queue.submit(queued('a'));
    await queue.submit(queued('b'));
    await (await claim(queue, 'a')).postpone(3_600_000);
    same((await statuses(queue)).sort(), ['queued', 'queued']);
    const second = await claim(queue, 'b');
    await nothing(queue);
    await second.postpone(0);
    await claim(queue, 'b');
    // By hand, it can be opened all the same.
    await (await queue.open('a')).close();
  },

  async 'does not claim runs that were not submitted'(queue) {
    await (await queue.create({ id: 'a', goal: 'by hand', createdAt: 1_000 })).close();
    const other = await queue.create({ id: 'b', goal: 'by hand', createdAt: 1_000 });
    await other.append([started('b')]);
    await other.close();
    await nothing(queue);
  },

  async 'does not claim a run that somebody has opened'(queue) {
    await queue.submit(queued('a'));
    const opened = await queue.open('a');
    await nothing(queue);
    await opened.close();
    const claimed = await claim(queue, 'a');
    await refuses('run_locked', () => queue.open('a'));
    await claimed.opened.close();
  },

  async 'refuses a second run with the same id'(queue) {
    await queue.submit(queued('a'));
    await refuses('run_exists', () => queue.submit(queued('a')));
    await refuses('run_exists', () => queue.create({ id: 'a', goal: 'again', createdAt: 1_000 }));
    const recorded = await queue.create({ id: 'b', goal: 'by hand', createdAt: 1_000 });
    await refuses('run_locked', () => queue.submit(queued('b')));
    await recorded.append([started('b')]);
    await recorded.close();
    await refuses('run_exists', () => queue.submit(queued('b')));
    await claim(queue, 'a');
    await nothing(queue);
  },

  async 'calls its listeners when a run was submitted or released'(queue) {
    const listener = listen((wake) => queue.onQueued(wake));
    await listener.isCalledAfter(() => queue.submit(queued('a')));
    const { opened } = await claim(queue, 'a');
    await listener.isCalledAfter(() => opened.close());
    await listener.isSilentAfter(() => queue.submit(queued('b')));
  },

  async 'rejects every call after close'(queue) {
    await queue.submit(queued('a'));
    await queue.close();
    await refuses('journal_failed', () => queue.claim());
    await refuses('journal_failed', () => queue.submit(queued('b')));
  },
};

function queued(id: string, more: Partial<QueuedRun> = {}): QueuedRun {
  const plan = { goal: 'test the queue', tasks: [{ id: 'x', description: 'do it' }] };
  return { id, goal: 'test the queue', createdAt: 1_000, plan, ...more };
}

function started(id: string): EventData {
  const plan = { goal: `goal of ${id}`, tasks: [] };
  return { type: 'run_started', sequence: 0, timestamp: 1_000.5, plan, taskCount: 1, seed: 1 };
}

function ended(id: string): EventData {
  return { type: 'run_completed', sequence: id.length, timestamp: 1_001, durationMs: 1 };
}

async function claim(queue: RunQueue, id: string): Promise<ClaimedRun> {
  const claimed = await queue.claim();
  assert(claimed?.run.id === id, `it claimed ${claimed?.run.id ?? 'nothing'} instead of "${id}"`);
  return claimed;
}

async function nothing(queue: RunQueue): Promise<void> {
  const claimed = await queue.claim();
  assert(claimed === undefined, `it claimed "${claimed?.run.id}" instead of nothing`);
}

async function end({ run, opened }: ClaimedRun): Promise<void> {
  await opened.append([started(run.id), ended(run.id)]);
  await opened.close();
}

async function statuses(queue: RunQueue): Promise<string[]> {
  return (await queue.list()).map(({ status }) => status);
}
