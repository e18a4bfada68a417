import { adaptive } from '@stratagem/adaptive';
import {
  createExecutor,
  type Outcome,
  type Strategy,
  type TaskRunner,
  type TaskView,
} from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { expect, test, vi } from 'vitest';
import { sharedStrategy } from './shared-strategy.js';

/** A strategy with a limit of its own, which observes attempts. */
function limited(limit: number) {
  const seen = { begun: 0, most: 0, indexes: new Set<number>(), settled: 0 };
  const strategy: Strategy = {
    ...{ name: 'limited', maxParallel: Number.POSITIVE_INFINITY },
    begin(run) {
      seen.begun++;
      const ready: TaskView[] = [];
      const open = new Set<number>();
      return {
        ready: (task) => void ready.push(task),
        next() {
          expect(run.remaining).toBeGreaterThan(0);
          if (open.size >= limit) return undefined;
          const task = ready.shift();
          if (task === undefined) return undefined;
          open.add(task.index);
          seen.indexes.add(task.index);
          seen.most = Math.max(seen.most, open.size);
          return task;
        },
        settled({ index }, { ok }: Outcome) {
          expect(open.delete(index)).toBe(true);
          if (ok) seen.settled++;
        },
      };
    },
  };
  return { strategy, seen };
}

const plan = (size: number) => ({
  goal: 'x',
  tasks: Array.from({ length: size }, (_, index) => ({
    id: `t${index}`,
    dependencies: index % 3 === 2 ? [`t${index - 1}`] : [],
    run: () => new Promise((resolve) => setImmediate(resolve, index)),
  })),
});

test('runs at the same time share one scheduler, its limit, and what it observes', async () => {
  const { strategy, seen } = limited(3);
  const executor = createExecutor({ strategy: sharedStrategy(strategy) });
  const runs = [20, 35, 5].map((size) => executor.execute(plan(size)));
  const results = await Promise.all(runs);
  expect(results.map(({ status }) => status)).toEqual(['completed', 'completed', 'completed']);
  expect(seen).toMatchObject({ begun: 1, most: 3, settled: 60 });
  expect(seen.indexes.size).toBe(60);
  expect(results[0]?.metrics.peakConcurrency).toBeLessThanOrEqual(3);
});

test('a later run continues with the same scheduler', async () => {
  const { strategy, seen } = limited(2);
  const executor = createExecutor({ strategy: sharedStrategy(strategy) });
  for (const size of [4, 6]) await executor.execute(plan(size)).orThrow();
  expect(seen).toMatchObject({ begun: 1, settled: 10 });
});

/** A server that answers a task when the test asks for it, by the id of the task. */
function manualServer() {
  const ends = new Map<string, () => void>();
  const runner: TaskRunner = {
    name: 'server',
    run: (_, { taskId }) =>
      new Promise((resolve) => ends.set(taskId, () => resolve({ output: 1 }))),
  };
  return {
    runner,
    ends,
    sent: (id: string) => vi.waitUntil(() => ends.has(id), { timeout: 100_000 }),
  };
}

const prompts = (name: string, count: number) => ({
  goal: 'x',
  tasks: Array.from({ length: count }, (_, n) => ({ id: `${name} ${n}`, description: 'x' })),
});

test('a later run gets a place at a server that another executor keeps busy', async () => {
  const { runner, ends, sent } = manualServer();
  const row = createExecutor({ strategy: sharedStrategy(adaptive()), runner });
  const first = row.execute(prompts('first', 1));
  await sent('first 0');
  const other = createExecutor({ strategy: adaptive(), runner }).execute(prompts('other', 100));
  await sent('other 14');
  ends.get('first 0')?.();
  await first.orThrow();
  // The other one takes the place that is free.
  ends.get('other 0')?.();
  await sent('other 15');
  const later = row.execute(prompts('later', 1));
  await sent('later 0');
  ends.get('later 0')?.();
  await later.orThrow();
  await other.cancel();
});

test('a later run shares the limit of an executor that began between two runs', async () => {
  const { runner, ends, sent } = manualServer();
  const row = createExecutor({ strategy: sharedStrategy(adaptive()), runner });
  const first = row.execute(prompts('first', 1));
  await sent('first 0');
  ends.get('first 0')?.();
  await first.orThrow();
  const other = createExecutor({ strategy: adaptive(), runner }).execute(prompts('other', 100));
  await sent('other 15');
  const later = row.execute(prompts('later', 100));
  await sent('later 0');
  // With a limit of its own, it would send 16 in the same turn.
  expect(ends.has('later 1')).toBe(false);
  await Promise.all([later.cancel(), other.cancel()]);
});

test('a strategy that observes nothing begins again for each run', async () => {
  let begun = 0;
  const inner = parallel({ maxParallel: 2 });
  const strategy = sharedStrategy({
    ...inner,
    begin(run) {
      begun++;
      return inner.begin(run);
    },
  });
  const executor = createExecutor({ strategy });
  const runs = [4, 4].map((size) => executor.execute(plan(size)).orThrow());
  expect((await Promise.all(runs)).map(({ strategy: name }) => name)).toEqual([
    'parallel',
    'parallel',
  ]);
  // One more finds out that it observes nothing.
  expect(begun).toBeLessThanOrEqual(4);
});

test('what the scheduler throws ends the run that asked', async () => {
  const strategy: Strategy = {
    name: 'broken',
    begin: () => ({
      ready() {},
      next() {
        throw new Error('no idea');
      },
      settled() {},
    }),
  };
  const { error } = await createExecutor({ strategy: sharedStrategy(strategy) }).execute(plan(2));
  expect(error).toMatchObject({
    code: 'invalid_strategy',
    message: expect.stringContaining('no idea'),
  });
});
