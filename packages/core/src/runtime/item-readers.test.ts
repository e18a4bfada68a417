import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { inOrder } from '../../test/direct-runs.js';
import { logOf } from '../../test/journals.js';
import {
  createExecutor,
  type ItemStream,
  type Journal,
  memoryJournal,
  type Plan,
  type RunEvent,
  type RunHandle,
  type Task,
  type TaskRunner,
} from '../index.js';
import { ItemReaders } from './item-readers.js';

interface Row {
  readonly n: number;
}

/** Counts how many rows were read, and how often it was opened. */
function rowsOf(rows: Iterable<unknown>) {
  const counts = { read: 0, opened: 0, closed: 0 };
  const stream: ItemStream = {
    name: 'rows.jsonl',
    async *open() {
      counts.opened++;
      try {
        for (const row of rows) {
          counts.read++;
          yield row;
        }
      } finally {
        counts.closed++;
      }
    },
  };
  return { stream, counts };
}

function* numbered(count: number): Generator<Row> {
  for (let n = 0; n < count; n++) yield { n };
}

const planOver = (stream: ItemStream, more: Partial<Task> = {}, limits: object = {}): Plan => ({
  goal: 'rows',
  tasks: [
    { id: 'each', forEach: { stream, ...limits }, run: ({ item }) => item.n, ...more },
    { id: 'all', dependencies: ['each'], run: ({ each }) => each },
  ],
});

const executor = createExecutor({ strategy: inOrder, maxParallel: 8, abortGraceMs: 0 });

/** Runs the garbage collector. */
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

describe('a fan-out over a stream', () => {
  test('reads 100,000 rows while earlier ones run, no more than its window ahead, and keeps their order', async () => {
    const { stream, counts } = rowsOf(numbered(100_000));
    let done = 0;
    let ahead = 0;
    const run = async ({ item }: { item: Row }) => {
      ahead = Math.max(ahead, counts.read - done);
      await undefined;
      done++;
      return item.n;
    };
    const plan: Plan = { goal: 'rows', tasks: [{ id: 'each', forEach: { stream }, run }] };
    const { outputs, status } = await executor.execute(plan, { timeline: 'stream' });
    expect(status).toBe('completed');
    const results = outputs.each as { id: string; output: number }[];
    expect(results).toHaveLength(100_000);
    expect(results.every(({ id, output }, n) => id === `each[${n}]` && output === n)).toBe(true);
    expect(counts).toEqual({ read: 100_000, opened: 1, closed: 1 });
    expect(ahead).toBeLessThanOrEqual(16);
  });

  const sub = (run: Task['run']) => ({ subtasks: [{ id: 'sub', run }] });
  const module = (run: Task['run']) => ({
    plan: {
      goal: 'one row',
      inputs: z.object({ row: z.any() }),
      tasks: [
        {
          id: 'sub',
          run: ({ inputs }: { inputs: { row: Row } }) => run?.({ item: inputs.row }, {} as never),
        },
      ],
    },
    with: { row: '{{item}}' },
  });

  test.each([
    ['subtasks', sub],
    ['modules', module],
  ])('keeps no row after its task has settled, with %s', async (_, partsOf) => {
    const refs: WeakRef<Row>[] = [];
    let alive = 0;
    const { stream } = rowsOf(
      (function* () {
        for (const row of numbered(3_000)) {
          refs.push(new WeakRef(row));
          yield row;
        }
      })(),
    );
    const run = async ({ item: { n } }: { item: Row }) => {
      if (n % 750 !== 749) return n;
      // What a weak reference has returned stays until other work has had its turn.
      await setImmediate();
      collectGarbage();
      alive = Math.max(alive, refs.filter((ref) => ref.deref() !== undefined).length);
      return n;
    };
    const { status } = await executor.execute(
      planOver(stream, { run: undefined, ...partsOf(run as never) } as never),
    );
    expect(status).toBe('completed');
    expect(alive).toBeGreaterThan(0);
    // A window of unsettled rows, and the events that brought the last of them.
    expect(alive).toBeLessThanOrEqual(3 * 16);
  });

  test('begins with the first row of a slow stream', async () => {
    const started: number[] = [];
    let go!: () => void;
    const second = new Promise<void>((resolve) => {
      go = resolve;
    });
    const stream: ItemStream<Row> = {
      name: 'slow',
      async *open() {
        yield { n: 0 };
        await second;
        yield { n: 1 };
      },
    };
    const run = ({ item }: { item: Row }) => {
      started.push(item.n);
      if (item.n === 0) go();
    };
    await executor.execute(planOver(stream, { run })).orThrow();
    expect(started).toEqual([0, 1]);
  });

  test('without rows completes with an empty list', async () => {
    const { stream } = rowsOf([]);
    const { outputs } = await executor.execute(planOver(stream)).orThrow();
    expect(outputs.all).toEqual([]);
  });

  test('runs a loop, a group or a module for each row', async () => {
    const { stream } = rowsOf(numbered(40));
    const twice = { until: { path: 'iteration', operator: '>=' as const, value: 2 } };
    const loop = { repeat: twice, run: ({ item, iteration }: never) => [item, iteration] };
    const looped = await executor.execute(planOver(stream, loop as never)).orThrow();
    expect((looped.outputs.all as unknown[])[39]).toMatchObject({ output: [{ n: 39 }, 2] });
  });

  const torn = (good: number, message = 'rows.jsonl, line 21: is not JSON') =>
    (function* () {
      yield* numbered(good);
      throw new Error(message);
    })();

  test('fails at a torn row once the rows before it are done, and names the line', async () => {
    const { stream, counts } = rowsOf(torn(20));
    const { tasks, status } = await executor.execute(planOver(stream));
    expect(status).toBe('failed');
    expect(tasks.filter(({ status }) => status === 'completed')).toHaveLength(20);
    expect(tasks[0]?.error).toMatchObject({
      code: 'invalid_input',
      message: 'Task "each" failed: rows.jsonl, line 21: is not JSON',
    });
    expect(counts.closed).toBe(1);
  });

  test.each<[string, ItemStream['open'], string]>([
    [
      'cannot be opened',
      () => {
        throw new Error('no such file');
      },
      'rows.jsonl cannot be read: no such file',
    ],
    ['opens no rows', () => [1, 2] as never, 'must open an async iterable; it opened 1,2'],
  ])('whose stream %s fails', async (_, open, message) => {
    const { tasks } = await executor.execute(planOver({ name: 'rows.jsonl', open }));
    expect(tasks[0]?.error?.message).toContain(message);
  });

  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('cannot close');
      },
    ],
    ['never returns', () => new Promise(() => {})],
    ['rejects', () => Promise.reject(new Error('cannot close'))],
  ])('ends although closing its stream %s', async (_, end) => {
    let n = 0;
    let length = 3;
    const next = async () => {
      if (n === length) throw new Error('torn');
      return { value: { n: n++ }, done: false };
    };
    const iterator = { next, return: end, [Symbol.asyncIterator]: () => iterator };
    const stream = { name: 'rows', open: () => iterator } as never;
    const { tasks, status } = await executor.execute(planOver(stream));
    expect(status).toBe('failed');
    expect(tasks[0]?.error?.message).toContain('rows cannot be read: torn');
    length = Number.POSITIVE_INFINITY;
    const handle = executor.execute(planOver(stream));
    for await (const event of handle) if (event.type === 'task_started') handle.cancel();
    expect((await handle).status).toBe('canceled');
  });

  test('ends while its stream yields nothing', async () => {
    let asked!: () => void;
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const stream: ItemStream<Row> = {
      name: 'silent',
      async *open() {
        yield { n: 0 };
        asked();
        await new Promise(() => {});
      },
    };
    const handle = executor.execute(planOver(stream));
    await isAsked;
    handle.cancel();
    const { status, tasks } = await handle;
    expect(status).toBe('canceled');
    expect(tasks.find(({ id }) => id === 'each')?.status).toBe('canceled');
  });

  test('is not opened by a run that is canceled when it begins', async () => {
    const { stream, counts } = rowsOf(numbered(10));
    const onEvent = ({ type }: RunEvent) => type === 'run_started' && handle.cancel();
    const handle: RunHandle<unknown> = executor.execute(planOver(stream), { onEvent } as object);
    expect((await handle).status).toBe('canceled');
    await setImmediate();
    expect(counts.opened).toBe(0);
  });

  test('runs the rows before one that is no data, and names that one', async () => {
    const rows = [...numbered(20), { n: Promise.reject(new Error('no')) }, { n: 21 }];
    const { tasks } = await executor.execute(planOver(rowsOf(rows).stream));
    expect(tasks.filter(({ status }) => status === 'completed')).toHaveLength(20);
    expect(tasks[0]?.error?.message).toBe(
      'Task "each" failed: item 21 of rows.jsonl has a promise at n; await it first',
    );
  });

  test('takes each row as it is when it is read', async () => {
    const row = { n: 0 };
    const stream: ItemStream<Row> = {
      name: 'one object',
      async *open() {
        for (; row.n < 5; row.n++) yield row;
      },
    };
    const { tasks } = await executor.execute(planOver(stream));
    expect(tasks.find(({ id }) => id === 'each[0]')?.output).toBe(0);
    expect(tasks[0]?.error?.message).toContain('one object cannot be read: Cannot assign to');
  });

  test('may open itself by its name', async () => {
    const stream: ItemStream<Row> = {
      name: '3',
      async *open() {
        yield* numbered(Number(this.name));
      },
    };
    expect((await executor.execute(planOver(stream)).orThrow()).outputs.all).toHaveLength(3);
  });

  test('whose open() is asynchronous by mistake fails, and its rejection is handled', async () => {
    const open = (async () => {
      throw new Error('no such file');
    }) as never;
    const { tasks } = await executor.execute(planOver({ name: 'rows.jsonl', open }));
    await setImmediate();
    expect(tasks[0]?.error?.message).toContain('must open an async iterable');
  });

  test('has maxItems rows at most', async () => {
    const few = rowsOf(numbered(20));
    await executor.execute(planOver(few.stream, {}, { maxItems: 20 })).orThrow();
    const { stream, counts } = rowsOf(numbered(1_000));
    const { tasks } = await executor.execute(planOver(stream, {}, { maxItems: 20 }));
    expect(tasks[0]?.error?.message).toContain('its forEach has more than 20 items');
    expect(tasks.filter(({ status }) => status === 'completed')).toHaveLength(20);
    expect(counts).toEqual({ read: 21, opened: 1, closed: 1 });
  });

  test('closes its stream when it needs no more rows, and not with the run', async () => {
    const { stream, counts } = rowsOf(numbered(1_000));
    const { tasks } = planOver(stream, {}, { maxItems: 20 });
    const isClosed = async () => {
      await setImmediate();
      return counts.closed;
    };
    const after: Task = { id: 'after', dependencies: ['each'], runAfter: 'settled', run: isClosed };
    const result = await executor.execute({ goal: 'rows', tasks: [tasks[0] as Task, after] });
    expect(result.tasks.find(({ id }) => id === 'after')?.output).toBe(1);
  });

  test('tolerates failed rows as far as minSuccess allows', async () => {
    const run = ({ item }: { item: Row }) => {
      if (item.n % 4 === 0) throw new Error('no');
      return item.n;
    };
    const over = (minSuccess: string) => {
      const { stream } = rowsOf(numbered(100));
      return executor.execute(planOver(stream, { run }, { minSuccess }));
    };
    expect((await over('75%')).status).toBe('completed');
    expect((await over('76%')).error?.message).toContain('75 of 100 items succeeded');
  });

  test('stops reading with the run', async () => {
    const { stream, counts } = rowsOf(numbered(1_000_000));
    const handle = executor.execute(planOver(stream));
    for await (const event of handle) if (event.type === 'task_completed') handle.cancel();
    const { status } = await handle;
    await setImmediate();
    expect(status).toBe('canceled');
    expect(counts.read).toBeLessThan(200);
    expect(counts.closed).toBe(1);
  });
});

describe('a recorded fan-out over a stream', () => {
  const runner = (asked: string[] = []): TaskRunner => ({
    name: 'echo',
    async run({ prompt }) {
      asked.push(prompt);
      return { output: prompt };
    },
  });
  const model: Partial<Task> = { description: 'Read {{item.n}}', run: undefined } as never;
  const recording = (asked?: string[]) => {
    const journal = memoryJournal();
    const options = { strategy: inOrder, maxParallel: 8, runner: runner(asked), journal };
    return { journal, options, executor: createExecutor(options) };
  };
  const outputsOf = (results: unknown) =>
    (results as { output: string }[]).map((each) => each.output);
  const expected = Array.from({ length: 100 }, (_, n) => `Read ${n}`);

  test('is in its journal with each row once, and in events', async () => {
    const { executor, journal } = recording();
    const events: RunEvent[] = [];
    const onEvent = (event: RunEvent) => void events.push(event);
    const plan = planOver(rowsOf(numbered(100)).stream, model);
    const { timeline } = await executor.execute(plan, { runId: 'run', onEvent }).orThrow();
    expect(timeline.filter(({ type }) => type === 'tasks_added').every(Object.isFrozen)).toBe(true);
    const all = [...numbered(100)];
    const log = await logOf(journal, 'run');
    expect(log.flatMap(({ items }) => items ?? [])).toEqual(all);
    expect(events.flatMap((event) => ('items' in event ? event.items : []))).toEqual(all);
  });

  test('has rows of any size in events of about a megabyte', async () => {
    const { executor, journal } = recording();
    const rows = Array.from({ length: 12 }, (_, n) => ({ n, text: 'x'.repeat(400_000) }));
    await executor.execute(planOver(rowsOf(rows).stream, model), { runId: 'run' }).orThrow();
    const log = await logOf(journal, 'run');
    const sizes = log.flatMap(({ items }) =>
      items === undefined ? [] : [(items as unknown[]).length],
    );
    expect(sizes.reduce((sum, each) => sum + each, 0)).toBe(12);
    expect(Math.max(...sizes)).toBe(3);
  });

  test('runs the rows before one that its journal cannot store', async () => {
    const { executor } = recording();
    const rows = [...numbered(5), { n: () => 5 }];
    const { tasks } = await executor.execute(planOver(rowsOf(rows).stream, model));
    expect(tasks.filter(({ status }) => status === 'completed')).toHaveLength(5);
    expect(tasks[0]?.error?.message).toBe(
      'Task "each" failed: item 6 of rows.jsonl cannot be stored in the journal: n is a function',
    );
  });

  test('lets other work have its turn while it passes over rows, and stops with the run', async () => {
    const { stream, counts } = rowsOf(numbered(100_000));
    const graph = { taskOf: () => ({ forEach: { stream } }), parentOf: () => undefined };
    const kernel = { graph };
    const readers = new ItemReaders({ record: {}, codecs: [] } as never, kernel as never, () => {});
    const reading = readers.read({ type: 'read', index: 0, skip: 100_000, hash: 'x', count: 1 });
    await setImmediate();
    readers.close();
    await reading;
    expect(counts.read).toBeLessThan(100_000);
    expect(counts.closed).toBe(1);
  });

  test('resumes at any event, at the row where it was', async () => {
    const whole = recording();
    const plan = planOver(rowsOf(numbered(100)).stream, model);
    await whole.executor.execute(plan, { runId: 'whole' }).orThrow();
    const log = await logOf(whole.journal, 'whole');
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: log.length - 1 }), async (length) => {
        const asked: string[] = [];
        const { executor, journal } = recording(asked);
        const opened = await journal.create({ id: 'run', goal: 'rows' } as never);
        const cut = log.slice(0, length);
        await opened.append(cut);
        await opened.close();
        const { stream } = rowsOf(numbered(100));
        const { outputs } = await executor
          .resume('run', { plan: planOver(stream, model) })
          .orThrow();
        expect(outputsOf(outputs.all)).toEqual(expected);
        const done = cut.filter(({ type, attempt }) => type === 'task_completed' && attempt === 1);
        expect(asked).toHaveLength(Math.max(0, 100 - done.length));
        const again = await logOf(journal, 'run');
        expect(again.flatMap(({ items }) => items ?? [])).toEqual([...numbered(100)]);
      }),
      { numRuns: 15, seed: 3 },
    );
  });

  /** A run over 100 rows that is interrupted after some. */
  async function interrupted(rows: Iterable<unknown>) {
    const { executor, options, journal } = recording();
    const handle = executor.execute(planOver(rowsOf(rows).stream, model), { runId: 'run' });
    for await (const event of handle) {
      if (event.type === 'task_completed') handle.interrupt();
    }
    expect((await handle).status).toBe('interrupted');
    const resume = (others: Iterable<unknown>, more: object = {}) =>
      executor.resume('run', { plan: planOver(rowsOf(others).stream, model), ...more });
    return { resume, options, journal };
  }

  test.each<[string, Iterable<unknown>, string]>([
    [
      'has changed',
      [...numbered(100)].map((row) => (row.n === 2 ? { n: 200 } : row)),
      'the first 16 items of rows.jsonl are not those that this run has read',
    ],
    ['is shorter', numbered(3), 'rows.jsonl has only 3 items now, and this run has read 16'],
  ])('fails clearly when a row that it has read %s', async (_, rows, message) => {
    const { resume } = await interrupted(numbered(100));
    const { tasks, status } = await resume(rows);
    expect(status).toBe('failed');
    expect(tasks[0]?.error?.message).toContain(message);
    expect(tasks[0]?.error?.message).toContain('start a new run');
  });

  test('keeps its record in memory no longer than it takes to read it', async () => {
    const journal = memoryJournal();
    const { stream } = rowsOf([...numbered(100)]);
    let reads = 0;
    const plan = planOver(stream, {
      async run({ item }: { item: Row }) {
        if (++reads === 50) first.interrupt();
        if (reads === 90) {
          // What a weak reference has returned stays until other work has had its turn.
          await setImmediate();
          collectGarbage();
          alive = events.filter((ref) => ref.deref() !== undefined).length;
        }
        return item.n;
      },
    } as never);
    const options = { strategy: inOrder, maxParallel: 8, abortGraceMs: 0 };
    const first: RunHandle = createExecutor({ ...options, journal }).execute(plan, {
      runId: 'run',
    });
    await first;
    let events: WeakRef<object>[] = [];
    let alive = -1;
    const watched: Journal = {
      ...journal,
      async open(runId) {
        const opened = await journal.open(runId);
        events = opened.events.map((event) => new WeakRef(event));
        return opened;
      },
    };
    const resumed = createExecutor({ ...options, journal: watched }).resume('run', { plan });
    expect((await resumed).status).toBe('completed');
    expect(events.length).toBeGreaterThan(50);
    // The one that the plan of the run is in may be among them.
    expect(alive).toBeLessThanOrEqual(1);
  });

  test('continues with rows that were appended or corrected since', async () => {
    const { resume } = await interrupted(numbered(100));
    const rows = [...numbered(120)].map((row) => (row.n === 90 ? { n: 900 } : row));
    const { outputs } = await resume(rows).orThrow();
    expect(outputsOf(outputs.all)).toEqual(rows.map(({ n }) => `Read ${n}`));
  });

  test('continues after a torn row that was corrected, with retryFailed', async () => {
    const { executor } = recording();
    const torn = (function* () {
      yield* numbered(50);
      throw new Error('rows.jsonl, line 51: is not JSON');
    })();
    const { status } = await executor.execute(planOver(rowsOf(torn).stream, model), {
      runId: 'run',
    });
    expect(status).toBe('failed');
    const plan = planOver(rowsOf(numbered(100)).stream, model);
    const { outputs, metrics } = await executor
      .resume('run', { plan, retryFailed: true })
      .orThrow();
    expect(outputsOf(outputs.all)).toEqual(expected);
    expect(metrics.attempts).toBe(101);
  });

  test('reads no more while it drains', async () => {
    const { executor } = recording();
    const { stream, counts } = rowsOf(numbered(1_000));
    const handle = executor.execute(planOver(stream, model), { runId: 'run' });
    for await (const event of handle) {
      if (event.type === 'task_started') handle.interrupt({ drain: true });
    }
    expect((await handle).status).toBe('interrupted');
    expect(counts.read).toBeLessThanOrEqual(32);
    const plan = planOver(rowsOf(numbered(100)).stream, model);
    const { outputs } = await executor.resume('run', { plan }).orThrow();
    expect(outputsOf(outputs.all)).toEqual(expected);
  });

  test('needs its plan to resume, as functions do', async () => {
    const { resume } = await interrupted(numbered(100));
    await expect(resume([], { plan: undefined })).rejects.toThrow(/plan.*"each" \(forEach\)/s);
  });

  test('asks for new and changed rows alone when it reuses an earlier run, wherever they are', async () => {
    const asked: string[] = [];
    const { options } = recording(asked);
    const executor = createExecutor({ ...options, reuse: true });
    const run = (rows: Iterable<unknown>) => {
      asked.length = 0;
      return executor.execute({ ...planOver(rowsOf(rows).stream, model) }).orThrow();
    };
    await run(numbered(100));
    const rows = [{ n: 1_000 }, ...numbered(100)].map((row) => (row.n === 50 ? { n: 500 } : row));
    const { outputs } = await run(rows);
    expect(asked.sort()).toEqual(['Read 1000', 'Read 500']);
    expect(outputsOf(outputs.all)).toEqual(rows.map(({ n }) => `Read ${n}`));
  });

  test('keeps its rows in a fork', async () => {
    const asked: string[] = [];
    const { executor } = recording(asked);
    const plan = planOver(rowsOf(numbered(100)).stream, model);
    await executor.execute(plan, { runId: 'run' }).orThrow();
    asked.length = 0;
    const events: RunEvent[] = [];
    const onEvent = (event: RunEvent) => void events.push(event);
    const { outputs } = await executor.fork('run', { plan, tasks: ['all'], onEvent }).orThrow();
    expect(outputsOf(outputs.all)).toEqual(expected);
    expect(asked).toEqual([]);
    const items = events.flatMap((event) => ('items' in event ? event.items : []));
    expect(items).toEqual([...numbered(100)]);
  });

  test('sends the inputs of failed rows again', async () => {
    const asked: string[] = [];
    const { options } = recording();
    let isUp = false;
    const flaky: TaskRunner = {
      name: 'flaky',
      async run({ prompt }) {
        asked.push(prompt);
        if (!isUp && /[37]$/.test(prompt)) throw new Error('down');
        return { output: prompt };
      },
    };
    const executor = createExecutor({ ...options, runner: flaky });
    const plan = planOver(rowsOf(numbered(100)).stream, model);
    expect((await executor.execute(plan, { runId: 'run' })).status).toBe('failed');
    isUp = true;
    asked.length = 0;
    const { outputs } = await executor.resume('run', { plan, retryFailed: true }).orThrow();
    expect(outputsOf(outputs.all)).toEqual(expected);
    expect(asked).toHaveLength(20);
  });

  test('continues under a changed plan without asking again for its rows', async () => {
    const asked: string[] = [];
    const { executor } = recording(asked);
    const plan = planOver(rowsOf([...numbered(100)]).stream, model);
    const handle = executor.execute(plan, { runId: 'run' });
    for await (const event of handle) if (event.type === 'task_completed') handle.interrupt();
    const done = (await handle).tasks.filter(({ status }) => status === 'completed').length;
    expect(done).toBeGreaterThan(0);
    asked.length = 0;
    const last = { id: 'all', dependencies: ['each'], run: ({ each }: never) => each, priority: 2 };
    const changed = { ...plan, tasks: [plan.tasks[0], last] } as Plan;
    const { outputs } = await executor
      .resume('run', { plan: changed, acceptChanges: true })
      .orThrow();
    expect(outputsOf(outputs.all)).toEqual(expected);
    expect(asked).toHaveLength(100 - done);
  });

  test('is read again in each iteration of a loop around it', async () => {
    const asked: string[] = [];
    const { executor, journal } = recording(asked);
    const { stream, counts } = rowsOf([...numbered(20)]);
    const plan: Plan = {
      goal: 'x',
      tasks: [
        {
          id: 'loop',
          repeat: { until: { path: 'iteration', operator: '>=', value: 3 } },
          subtasks: [{ id: 'each', description: 'Read {{item.n}}', forEach: { stream } }],
        },
      ] as never,
    };
    await executor.execute(plan, { runId: 'run' }).orThrow();
    expect(asked).toHaveLength(60);
    expect(counts).toEqual({ read: 60, opened: 3, closed: 3 });
    const log = await logOf(journal, 'run');
    for (const length of [30, 70, 110]) {
      const again = recording(asked);
      asked.length = 0;
      const opened = await again.journal.create({ id: 'run', goal: 'x' } as never);
      await opened.append(log.slice(0, length));
      await opened.close();
      const { metrics } = await again.executor.resume('run', { plan }).orThrow();
      expect(metrics.completedTasks).toBe(metrics.totalTasks);
    }
  });

  /** A plan with a stream in each item of a stream, `depth` times; each stream has `count` items. */
  function nested(count: number, depth: number, onRun: (item: Row) => unknown) {
    const open = { now: 0, most: 0 };
    const stream: ItemStream<Row> = {
      name: 'rows',
      async *open() {
        open.most = Math.max(open.most, ++open.now);
        try {
          yield* numbered(count);
        } finally {
          open.now--;
        }
      },
    };
    const taskAt = (level: number): Task =>
      level === depth
        ? { id: 'leaf', forEach: { stream }, run: ({ item }) => onRun(item as Row) }
        : { id: `level${level}`, forEach: { stream }, subtasks: [taskAt(level + 1)] };
    return { open, plan: { goal: 'nested', tasks: [taskAt(1)] } as Plan };
  }

  test.each([
    [100, 2],
    [16, 3],
  ])('of %i items, %i deep, has few streams open at once', async (count, depth) => {
    let runs = 0;
    const { plan, open } = nested(count, depth, async () => {
      runs++;
      await undefined;
    });
    const wide = createExecutor({ strategy: inOrder, abortGraceMs: 0 });
    const options = { maxParallel: 1_000, timeline: 'stream' } as const;
    const { status } = await wide.execute(plan, options);
    expect(status).toBe('completed');
    expect(runs).toBe(count ** depth);
    expect(open.now).toBe(0);
    expect(open.most).toBeGreaterThan(depth);
    expect(open.most).toBeLessThanOrEqual(64 * depth);
  });

  test('closes all streams of a run that is canceled while some wait for a place', async () => {
    let begin!: () => void;
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const { plan, open } = nested(100, 2, () => {
      begin();
      return new Promise(() => {});
    });
    const wide = createExecutor({ strategy: inOrder, abortGraceMs: 0 });
    const run = wide.execute(plan, { maxParallel: 1_000 });
    await begun;
    run.cancel();
    expect((await run).status).toBe('canceled');
    await setImmediate();
    expect(open.now).toBe(0);
    expect(open.most).toBeGreaterThanOrEqual(64);
  });
});
