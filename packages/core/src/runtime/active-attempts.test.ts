import { describe, expect, test } from 'vitest';
import { execute, inOrder, lastFirst, planOf, taskOf } from '../../test/runs.js';
import type { AttemptCarrier, AttemptReport } from '../contract/carrier.js';
import { memoryJournal } from '../journal/memory-journal.js';
import { createExecutor } from './executor.js';

/** A carrier that ends every attempt with this report. */
function carrierOf(report: unknown, methods: Partial<AttemptCarrier> = {}): AttemptCarrier {
  return {
    name: 'test',
    start: (_, tell) => void queueMicrotask(() => tell(report as AttemptReport)),
    cancel() {},
    detach() {},
    close() {},
    ...methods,
  };
}

const task = { id: 'a', run: () => 1 };

describe('a runner or function', () => {
  test('cannot change an event through the fields of a part that it emits', async () => {
    const part = { kind: 'text', text: 'x', type: 'task_completed', sequence: 99, timestamp: 0 };
    const { status, timeline, metrics } = await execute(
      planOf(
        { id: 'a', run: (_, { emit }) => void emit(part as never) },
        { id: 'b', dependencies: ['a'], run: () => 2 },
      ),
      { maxParallel: 1 },
    );
    expect(status).toBe('completed');
    expect(metrics.completedTasks).toBe(2);
    expect(timeline.map(({ sequence }) => sequence)).toEqual(timeline.map((_, index) => index));
    const times = timeline.map(({ timestamp }) => timestamp);
    expect(times).toEqual(times.toSorted((one, other) => one - other));
    expect(timeline.map(({ type }) => type)).toContain('task_output');
  });

  test('whose result throws when it is looked at fails its task alone', async () => {
    const broken = {
      // biome-ignore lint/suspicious/noThenProperty: that is what is broken here
      get then(): never {
        throw new Error('not a promise');
      },
    };
    const result = await execute(planOf({ id: 'a', run: () => broken }, { id: 'b', run: () => 2 }));
    expect(taskOf(result, 'a')).toMatchObject({ status: 'failed' });
    expect(taskOf(result, 'b')).toMatchObject({ status: 'completed' });
  });

  test('that reports too much before it waits is asked to stop', async () => {
    const stopped: unknown[] = [];
    const { tasks } = await execute(
      planOf(
        {
          id: 'late',
          run(_, { emit, signal }) {
            void emit('much too much text');
            stopped.push(signal.aborted);
            return new Promise(() => {});
          },
        },
        { id: 'thrown', run: (_, { emit }) => void emit('much too much text') },
      ),
      { maxOutputBytes: 40, retry: { maxAttempts: 1 } },
    );
    expect(tasks.map(({ error }) => error?.code)).toEqual(['invalid_output', 'invalid_output']);
    expect(stopped).toEqual([true]);
  });

  test('may be canceled in any number at once', async () => {
    const never = new Promise(() => {});
    const tasks = Array.from({ length: 200_000 }, (_, n) => ({ id: `${n}`, run: () => never }));
    const run = execute({ goal: 'x', tasks }, { strategy: lastFirst, maxParallel: 200_000 });
    await new Promise((resolve) => setTimeout(resolve));
    run.cancel();
    expect((await run).status).toBe('canceled');
  });
});

describe('a carrier', () => {
  const run = (carrier: AttemptCarrier) => execute(planOf(task), { carrier });

  test('that throws at a start fails the attempt', async () => {
    const start = () => {
      throw new Error('the queue is gone');
    };
    const { status, error } = await run(carrierOf(undefined, { start }));
    expect(status).toBe('failed');
    expect(error?.message).toContain('the queue is gone');
  });

  test('that throws at anything else does not disturb the run', async () => {
    const no = () => {
      throw new Error('no');
    };
    const done = { type: 'completed', result: { output: 1 } };
    const { status } = await run(carrierOf(done, { cancel: no, detach: no, forget: no }));
    expect(status).toBe('completed');
    const waiting = execute(planOf(task), {
      carrier: carrierOf(done, { start() {}, cancel: no }),
    });
    waiting.cancel('enough');
    expect((await waiting).status).toBe('canceled');
  });

  test.each([
    ['no result', { type: 'completed' }],
    ['no output', { type: 'completed', result: {} }],
    ['a broken usage', { type: 'completed', result: { output: 1, usage: { inputTokens: -1 } } }],
  ])('that reports %s fails the attempt', async (_, report) => {
    const { status, error } = await run(carrierOf(report));
    expect(status).toBe('failed');
    expect(error?.cause).toMatchObject({ code: 'invalid_output' });
  });

  test('forgets a result only when the result is durable', async () => {
    const kept = memoryJournal();
    const seen: string[] = [];
    let isBroken = false;
    const journal = {
      ...kept,
      create: async (run: Parameters<typeof kept.create>[0]) => {
        const inner = await kept.create(run);
        return {
          runId: inner.runId,
          append(events: Parameters<typeof inner.append>[0]) {
            if (isBroken) throw new Error('full');
            isBroken = events.some(({ type }) => type === 'task_started');
            return inner.append(events);
          },
          close: () => inner.close(),
        };
      },
    };
    const carrier = carrierOf(
      { type: 'completed', result: { output: 1 } },
      { forget: () => void seen.push('forget'), detach: () => void seen.push('detach') },
    );
    const result = await execute(planOf(task), { carrier, journal });
    expect(result.error).toMatchObject({ code: 'journal_failed' });
    expect(seen).toEqual(['detach']);
  });

  test('cancels an attempt of an earlier process', async () => {
    const journal = memoryJournal();
    const first = createExecutor({ strategy: inOrder }).execute(planOf(task), {
      runId: 'r',
      journal: { ...journal, close: async () => {} },
      carrier: carrierOf(undefined, { start() {} }),
    });
    for await (const { type } of first) if (type === 'task_started') break;
    // A copy of the log, as if the process had died here.
    const log = [];
    for await (const event of journal.read('r')) log.push(event);
    const again = memoryJournal();
    const copy = await again.create({ id: 'r', goal: 'x', createdAt: 0 });
    await copy.append(log);
    await copy.close();

    const canceled: string[] = [];
    const carrier = carrierOf(undefined, {
      start() {},
      alive: async (keys) => new Set(keys),
      cancel: (key) => void canceled.push(key),
    });
    const executor = createExecutor({ strategy: inOrder });
    const second = executor.resume('r', { plan: planOf(task), journal: again, carrier });
    second.cancel('enough');
    expect((await second).status).toBe('canceled');
    expect(canceled).toEqual(['r/a/1']);
    first.cancel();
    await first;
  });
});

test('tasks that a timed-out attempt added too late are left out', async () => {
  const { kernelOf, planOf: idsOf } = await import('../../test/kernels.js');
  const { kernel } = kernelOf(idsOf({ a: [] }), {
    timeoutMs: 10,
    retry: { maxAttempts: 2, initialDelayMs: 0, on: ['timeout'] },
  });
  kernel.start(0);
  kernel.wake(10);
  if (kernel.nextWake <= 11) kernel.wake(11);
  const added = [{ id: 'late', description: 'x' }];
  expect(kernel.addTasks(added, 0, 1, 12)).toBe(false);
  expect(kernel.graph.size).toBe(1);
});

test('streamed output that was published is not kept, with a journal as well', async () => {
  const heard: string[] = [];
  const result = await execute(
    planOf({
      id: 'a',
      async run(_, { emit, addTasks }) {
        for (let part = 0; part < 50; part++) {
          await emit(`part ${part}`);
          if (part === 25) addTasks([{ id: 'b', run: () => 2 }]);
        }
      },
    }),
    {
      timeline: 'stream',
      journal: memoryJournal(),
      onEvent: (event) => void heard.push(event.type),
    },
  );
  expect(result.status).toBe('completed');
  expect(result.timeline).toEqual([]);
  expect(heard.filter((type) => type === 'task_output')).toHaveLength(50);
});
