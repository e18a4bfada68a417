import { describe, expect, test } from 'vitest';
import { ask, running } from '../../test/human-steps.js';
import { deferred, eventsOf, execute, inOrder, planOf, statuses } from '../../test/runs.js';
import type { ExecutorOptions, Task } from '../index.js';
import { memoryJournal } from '../journal/memory-journal.js';

describe('pausing', () => {
  /** Tasks that wait for their gates. */
  function gated(count: number) {
    const gates = Array.from({ length: count }, () => deferred<number>());
    const started: number[] = [];
    const tasks = gates.map(
      ({ promise }, n): Task => ({
        id: `${n}`,
        run() {
          started.push(n);
          return promise;
        },
      }),
    );
    return { gates, started, plan: planOf(...tasks) };
  }
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  test('lets running tasks end and starts no others', async () => {
    const { gates, started, plan } = gated(4);
    const run = execute(plan, { maxParallel: 2 });
    await turn();
    run.pause();
    gates[0]?.resolve(0);
    gates[1]?.resolve(1);
    await turn();
    expect(started).toEqual([0, 1]);
    run.resume();
    await turn();
    expect(started).toEqual([0, 1, 2, 3]);
    gates[2]?.resolve(2);
    gates[3]?.resolve(3);
    expect((await run).status).toBe('completed');
  });

  test.each([
    ['completed', {}],
    ['completed with a journal', { journal: memoryJournal() }],
  ])('a run that has %s is refused, and so is any other change', async (_, options) => {
    const run = execute(planOf({ id: 'a', run: () => 1 }), options);
    await run;
    for (const change of [run.pause(), run.pause(), run.resume(), run.setMaxParallel(2)]) {
      await expect(change).rejects.toMatchObject({ code: 'run_ended' });
    }
  });

  test('a canceled run is refused', async () => {
    const { plan } = gated(1);
    const run = execute(plan, { journal: memoryJournal() });
    await turn();
    run.cancel();
    for (const change of [run.pause(), run.resume()]) {
      await expect(change).rejects.toMatchObject({ code: 'run_ended' });
    }
    await run;
    await expect(run.pause()).rejects.toMatchObject({ code: 'run_ended' });
  });

  test('twice has the effect of once, and so has resuming', async () => {
    const { gates, plan } = gated(1);
    const run = execute(plan);
    run.resume();
    run.pause();
    run.pause();
    await turn();
    run.resume();
    run.resume();
    gates[0]?.resolve(0);
    const result = await run;
    expect(eventsOf(result, 'run_paused')).toHaveLength(1);
    expect(eventsOf(result, 'run_unpaused')).toHaveLength(1);
    run.pause();
    run.resume();
    run.setMaxParallel(3);
    run.cancel();
    expect(eventsOf(await run, 'run_paused')).toHaveLength(1);
  });

  test('and resuming before the run starts leaves no events', async () => {
    const { gates, plan } = gated(1);
    const run = execute(plan);
    run.pause();
    run.resume();
    gates[0]?.resolve(0);
    expect(eventsOf(await run, 'run_paused')).toEqual([]);
  });

  test('when all tasks have ended does not keep the run from ending', async () => {
    const { gates, plan } = gated(1);
    const run = execute(plan);
    await turn();
    run.pause();
    gates[0]?.resolve(0);
    expect((await run).status).toBe('completed');
  });

  test('a paused run can be canceled, and keeps its results', async () => {
    const { gates, plan } = gated(3);
    const run = execute(plan, { maxParallel: 1 });
    await turn();
    gates[0]?.resolve(0);
    run.pause();
    await turn();
    run.cancel('enough');
    const result = await run;
    expect(result.status).toBe('canceled');
    expect(result.outputs).toEqual({ 0: 0 });
    expect(statuses(result)).toEqual({ 0: 'completed', 1: 'canceled', 2: 'canceled' });
  });

  test('from within a task or a listener takes effect at once', async () => {
    const { run, once } = running(
      planOf({ id: 'a', run: () => run.pause() }, { id: 'b', dependencies: ['a'], run: () => 1 }),
    );
    await once('run_paused');
    await turn();
    run.resume();
    const { timeline } = await run;
    const types = timeline.map(({ type }) => type);
    expect(types.indexOf('run_unpaused')).toBeLessThan(types.lastIndexOf('task_started'));
  });

  test('does not start tasks that were added, answered or fanned out during the pause', async () => {
    const { run, once } = running(
      planOf(ask('a'), {
        id: 'each',
        dependencies: ['a'],
        forEach: ({ a }) => a,
        run: ({ item }) => item,
      }),
    );
    await once('task_waiting');
    run.pause();
    await run.answer('a', [1, 2]);
    run.addTasks([{ id: 'more', run: () => 3 }]);
    await turn();
    run.resume();
    const { timeline, outputs } = await run;
    expect(outputs).toMatchObject({ more: 3, 'each[1]': 2 });
    const types = timeline.map(({ type }) => type);
    expect(types.indexOf('task_started')).toBeGreaterThan(types.indexOf('run_unpaused'));
  });
});

describe('setMaxParallel', () => {
  function crowd(count: number, options: Partial<ExecutorOptions>) {
    const open: (() => void)[] = [];
    const tasks = Array.from(
      { length: count },
      (_, n): Task => ({
        id: `${n}`,
        run: () => new Promise<void>((resolve) => open.push(resolve)),
      }),
    );
    const run = execute(planOf(...tasks), options);
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    return {
      run,
      /** Lets so many end, and tells how many have been started in all. */
      async end(first: number, last: number) {
        await turn();
        for (const resolve of open.slice(first, last)) resolve();
        await turn();
        return open.length;
      },
    };
  }

  test('raises and lowers the cap while tasks run; attempts above it continue', async () => {
    const { run, end } = crowd(10, { maxParallel: 2 });
    expect(await end(0, 0)).toBe(2);
    run.setMaxParallel(5);
    expect(await end(0, 0)).toBe(5);
    run.setMaxParallel(1);
    expect(await end(0, 4)).toBe(5);
    expect(await end(4, 5)).toBe(6);
    run.setMaxParallel(Number.POSITIVE_INFINITY);
    expect(await end(5, 6)).toBe(10);
    await end(6, 10);
    const result = await run;
    expect(result.status).toBe('completed');
    expect(eventsOf(result, 'max_parallel_changed').map(({ maxParallel }) => maxParallel)).toEqual([
      5,
      1,
      null,
    ]);
    expect(result.metrics.peakConcurrency).toBe(5);
  });

  test('overrides the caps of strategy and executor, also before the run starts', async () => {
    const { run, end } = crowd(6, { strategy: { ...inOrder, maxParallel: 1 }, maxParallel: 2 });
    run.setMaxParallel(4);
    expect(await end(0, 0)).toBe(4);
    await end(0, 4);
    await end(4, 6);
    const result = await run;
    expect(eventsOf(result, 'strategy_initialized')[0]?.maxParallel).toBe(4);
    expect(eventsOf(result, 'max_parallel_changed')).toEqual([]);
  });

  test('is seen by the strategy', async () => {
    const seen: number[] = [];
    const { run, end } = crowd(2, {
      maxParallel: 1,
      strategy: {
        ...inOrder,
        begin(view) {
          const scheduler = inOrder.begin(view);
          return {
            ready: (task) => scheduler.ready(task),
            next(now) {
              seen.push(view.maxParallel);
              return scheduler.next(now);
            },
          };
        },
      },
    });
    await end(0, 0);
    run.setMaxParallel(7);
    await end(0, 2);
    await run;
    expect(seen[0]).toBe(1);
    expect(seen.at(-1)).toBe(7);
  });

  test.each([0, -1, 1.5, Number.NaN, '4', undefined, null])('rejects %s', async (value) => {
    const run = execute(planOf({ id: 'a', run: () => 1 }));
    expect(() => run.setMaxParallel(value as number)).toThrow(
      expect.objectContaining({ code: 'invalid_option' }),
    );
    expect((await run).status).toBe('completed');
  });

  test('during a pause applies after the run is resumed', async () => {
    const { run, end } = crowd(4, { maxParallel: 4 });
    run.pause();
    run.setMaxParallel(2);
    expect(await end(0, 0)).toBe(0);
    run.resume();
    expect(await end(0, 0)).toBe(2);
    await end(0, 2);
    await end(2, 4);
    expect((await run).metrics.peakConcurrency).toBe(2);
  });
});
