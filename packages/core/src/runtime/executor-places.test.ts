import { beforeAll, expect, test } from 'vitest';
import { byIndex } from '../../test/kernels.js';
import { analyzeRun } from '../analysis/analyze.js';
import type { TaskRunner } from '../contract/runner.js';
import type { Task } from '../contract/task.js';
import { memoryJournal } from '../journal/memory-journal.js';
import type { PlanResult } from '../state/result.js';
import { createExecutor } from './executor.js';

/** Tasks whose end the test decides, and how many are in flight. */
class Work {
  readonly inFlight = new Map<string, number>();
  peak = 0;
  readonly #ends: (() => void)[] = [];

  tasks(run: string, count: number): Task[] {
    return Array.from({ length: count }, (_, n) => ({ id: `${n}`, run: () => this.do(run) }));
  }

  async do(run: string): Promise<number> {
    this.#add(run, 1);
    await new Promise<void>((resolve) => this.#ends.push(resolve));
    this.#add(run, -1);
    return 1;
  }

  #add(run: string, change: number): void {
    this.inFlight.set(run, (this.inFlight.get(run) ?? 0) + change);
    const all = [...this.inFlight.values()].reduce((a, b) => a + b, 0);
    this.peak = Math.max(this.peak, all);
  }

  counts(): Record<string, number> {
    return Object.fromEntries([...this.inFlight].filter(([, count]) => count > 0));
  }

  /** Ends the attempt that has been in flight longest, and waits until what follows has happened. */
  async endOne(): Promise<void> {
    this.#ends.shift()?.();
    await settled();
  }

  async endAll(): Promise<void> {
    while (this.#ends.length > 0) await this.endOne();
  }
}

/** After the turns of the event loop that a step of a run and its journal may take. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

// The first run with a journal loads code, which takes more than a few turns of the event loop.
beforeAll(async () => {
  const executor = createExecutor({ strategy: byIndex, journal: memoryJournal(), abortGraceMs: 0 });
  await executor.execute({ goal: 'x', tasks: [{ id: 'a', run: () => 1 }] });
});

for (const journal of [undefined, memoryJournal()]) {
  const kind = journal === undefined ? 'without a journal' : 'with a journal';

  test(`maxParallel of an executor bounds its runs together, and they share it (${kind})`, async () => {
    const work = new Work();
    const executor = createExecutor({
      strategy: byIndex,
      maxParallel: 4,
      journal,
      abortGraceMs: 0,
    });
    const first = executor.execute({ goal: 'first', tasks: work.tasks('first', 12) });
    await settled();
    expect(work.counts()).toEqual({ first: 4 });
    const second = executor.execute({ goal: 'second', tasks: work.tasks('second', 12) });
    await settled();
    expect(work.counts()).toEqual({ first: 4 });
    await work.endOne();
    await work.endOne();
    expect(work.counts()).toEqual({ first: 2, second: 2 });
    await work.endAll();
    expect(work.peak).toBe(4);
    expect([(await first).status, (await second).status]).toEqual(['completed', 'completed']);
  });

  test(`a run that ends or is canceled leaves its places to the others (${kind})`, async () => {
    const work = new Work();
    const executor = createExecutor({
      strategy: byIndex,
      maxParallel: 2,
      journal,
      abortGraceMs: 0,
    });
    const first = executor.execute({ goal: 'first', tasks: work.tasks('first', 5) });
    await settled();
    const second = executor.execute({ goal: 'second', tasks: work.tasks('second', 2) });
    await settled();
    expect(work.counts()).toEqual({ first: 2 });
    first.cancel();
    expect((await first).status).toBe('canceled');
    await settled();
    expect(work.inFlight.get('second')).toBe(2);
    await work.endAll();
    expect((await second).status).toBe('completed');
  });
}

test('the log says when a run waits for places of others, and so does its analysis', async () => {
  const work = new Work();
  const executor = createExecutor({ strategy: byIndex, maxParallel: 2, abortGraceMs: 0 });
  const first = executor.execute({ goal: 'first', tasks: work.tasks('first', 2) });
  await settled();
  const second = executor.execute({ goal: 'second', tasks: work.tasks('second', 3) });
  await settled();
  await work.endAll();
  const waits = ({ timeline }: PlanResult) =>
    timeline.flatMap((event) => (event.type === 'places_waiting' ? event.isWaiting : []));
  // Its own cap is all that the first run ever waits for.
  expect(waits(await first)).toEqual([]);
  const { timeline } = await second;
  expect(waits(await second)).toEqual([true, false]);
  const analysis = analyzeRun(timeline);
  const [span] = analysis.task('0')?.spans ?? [];
  expect(span).toMatchObject({ kind: 'places' });
});

test('maxParallel of a run bounds it further, and setMaxParallel does not exceed the executor', async () => {
  const work = new Work();
  const executor = createExecutor({ strategy: byIndex, maxParallel: 3, abortGraceMs: 0 });
  const run = executor.execute(
    { goal: 'first', tasks: work.tasks('first', 9) },
    { maxParallel: 1 },
  );
  await settled();
  expect(work.counts()).toEqual({ first: 1 });
  run.setMaxParallel(9);
  await settled();
  expect(work.counts()).toEqual({ first: 3 });
  await work.endAll();
  expect((await run).status).toBe('completed');
});

test('resources of an executor bound its runs together, and those of a run bound it further', async () => {
  const work = new Work();
  const runner: TaskRunner = {
    name: 'model',
    run: async ({ metadata }) => ({ output: await work.do(String(metadata.run)) }),
  };
  const requests = (run: string) =>
    Array.from({ length: 6 }, (_, n) => ({ id: `${n}`, description: 'x', metadata: { run } }));
  const executor = createExecutor({
    abortGraceMs: 0,
    strategy: byIndex,
    runner,
    resources: { model: { maxParallel: 4 }, function: { maxParallel: 1, separate: true } },
  });
  const runs = [
    executor.execute(
      { goal: 'a', tasks: requests('a') },
      { resources: { model: { maxParallel: 1 } } },
    ),
    executor.execute({ goal: 'b', tasks: [...requests('b'), ...rename(work.tasks('f', 3))] }),
  ];
  await settled();
  expect(work.counts()).toEqual({ a: 1, b: 3, f: 1 });
  await work.endAll();
  expect((await Promise.all(runs)).map(({ status }) => status)).toEqual(['completed', 'completed']);
  expect(work.peak).toBe(5);
});

function rename(tasks: readonly Task[]): Task[] {
  return tasks.map((task) => ({ ...task, id: `f${task.id}` }));
}

test('a resumed run keeps the caps that were recorded, unless it gets others', async () => {
  for (const [resources, expected] of [
    [undefined, 2],
    [{ function: { maxParallel: 3 } }, 3],
  ] as const) {
    const journal = memoryJournal();
    const work = new Work();
    const plan = { goal: 'x', tasks: work.tasks('x', 9) };
    const executor = createExecutor({ strategy: byIndex, journal, abortGraceMs: 0 });
    const stop = new AbortController();
    const options = { resources: { function: { maxParallel: 2 } }, signal: stop.signal };
    const run = executor.execute(plan, options);
    await settled();
    stop.abort();
    await run;
    const again = new Work();
    const same = { goal: 'x', tasks: again.tasks('x', 9) };
    const resumed = executor.resume(run.runId, { plan: same, retryFailed: true, resources });
    for await (const event of resumed) {
      if (event.type === 'task_started' && event.attempt === 1) break;
    }
    await settled();
    expect(again.counts()).toEqual({ x: expected });
    await again.endAll();
    expect((await resumed).status).toBe('completed');
  }
});
