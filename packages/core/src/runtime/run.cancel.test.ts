import { describe, expect, test, vi } from 'vitest';
import {
  abortGraceMs,
  ended,
  executor,
  failOnEscapedErrors,
  never,
  planOf,
  runWith,
  single,
  statuses,
  turns,
} from '../../test/direct-runs.js';
import {
  createExecutor,
  type PlanResult,
  type RunHandle,
  type Strategy,
  type Task,
  type TaskView,
} from '../index.js';

failOnEscapedErrors();

describe('cancelling', () => {
  test('from within a task keeps the tasks of the same step from starting', async () => {
    const began: string[] = [];
    let run: RunHandle<unknown>;
    const task = (id: string): Task => ({
      id,
      run() {
        began.push(id);
        if (id === 'b') run.cancel('enough');
      },
    });
    run = executor.execute(planOf(task('a'), task('b'), task('c'), task('d')));
    const result = await ended(run);
    expect(result.status).toBe('canceled');
    expect(began).toEqual(['a', 'b']);
  });

  test.each(['run_started', 'strategy_initialized', 'task_started'])(
    'from within a listener at %s starts no more tasks',
    async (type) => {
      const began = vi.fn();
      const run: RunHandle<unknown> = executor.execute(
        planOf({ id: 'a', run: began }, { id: 'b', run: began }),
        { onEvent: (event) => void (event.type === type && run.cancel()) },
      );
      expect((await ended(run)).status).toBe('canceled');
      expect(began).not.toHaveBeenCalled();
    },
  );

  test('before the last event leaves a completed plan completed', async () => {
    const run: RunHandle<unknown> = executor.execute(planOf({ id: 'a', run: () => 1 }), {
      onEvent: (event) => void (event.type === 'run_completed' && run.cancel()),
    });
    expect((await ended(run)).status).toBe('completed');
  });

  test('by the outer signal keeps its abort reason as the cause, in the task and the result', async () => {
    const controller = new AbortController();
    const reason = new Error('the user left');
    let inner: AbortSignal | undefined;
    const run = runWith(
      ({ signal }) => {
        inner = signal;
        return never();
      },
      single,
      { signal: controller.signal },
    );
    await turns(2);
    controller.abort(reason);
    const result = await ended(run);
    expect(result.error).toMatchObject({ code: 'run_canceled', cause: reason });
    expect(result.error?.message).toBe('The run was canceled: the user left');
    expect(inner?.reason).toBe(result.error);
  });

  test('by an outer signal that is aborted in the same turn starts nothing', async () => {
    const controller = new AbortController();
    const began = vi.fn();
    const run = executor.execute(planOf({ id: 'a', run: began }), { signal: controller.signal });
    controller.abort();
    const result = await ended(run);
    expect(began).not.toHaveBeenCalled();
    expect(result.error?.cause).toMatchObject({ name: 'AbortError' });
    expect(result.timeline.map(({ type }) => type)).toEqual([
      'run_started',
      'task_canceled',
      'run_canceled',
    ]);
  });

  test('by an outer signal that was already aborted starts nothing and adds no listener', async () => {
    const signal = AbortSignal.abort('early');
    const added = vi.spyOn(signal, 'addEventListener');
    const began = vi.fn();
    const result = await ended(executor.execute(planOf({ id: 'a', run: began }), { signal }));
    expect(result.error?.cause).toBe('early');
    expect(began).not.toHaveBeenCalled();
    expect(added).not.toHaveBeenCalled();
  });

  test.each(['completed', 'failed', 'canceled'])(
    'a %s run keeps no listener on the outer signal',
    async (status) => {
      const { signal } = new AbortController();
      const listeners = new Set<unknown>();
      vi.spyOn(signal, 'addEventListener').mockImplementation((_, listener) => {
        listeners.add(listener);
      });
      vi.spyOn(signal, 'removeEventListener').mockImplementation((_, listener) => {
        listeners.delete(listener);
      });
      const run = runWith(
        async () => {
          if (status === 'failed') throw new Error('no');
          return status === 'canceled' ? never() : { output: 1 };
        },
        single,
        { signal },
      );
      expect(listeners.size).toBe(1);
      await turns(2);
      if (status === 'canceled') run.cancel();
      expect((await ended(run)).status).toBe(status);
      expect(listeners.size).toBe(0);
    },
  );

  test('many runs with one signal are all canceled by it', async () => {
    const controller = new AbortController();
    const runs = Array.from({ length: 50 }, () =>
      runWith(never, single, { signal: controller.signal }),
    );
    await turns(2);
    controller.abort();
    for (const run of runs) expect((await ended(run)).status).toBe('canceled');
  });

  test.each<[string, (signal: AbortSignal) => Promise<unknown>]>([
    [
      'rejects with the reason',
      (signal) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    ],
    [
      'resolves in spite of it',
      (signal) =>
        new Promise((resolve) => signal.addEventListener('abort', () => resolve({ output: 1 }))),
    ],
    [
      'rejects turns later',
      async (signal) => {
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        await turns(3);
        throw new Error('late');
      },
    ],
    ['never settles', never],
  ])('an attempt that %s is canceled, once', async (_, attempt) => {
    const run = runWith(({ signal }) => attempt(signal));
    await turns(2);
    run.cancel();
    const result = await ended(run);
    await turns(5);
    expect(statuses(result)).toEqual(['canceled']);
    expect(result.timeline.map(({ type }) => type)).toEqual([
      'run_started',
      'strategy_initialized',
      'task_started',
      'task_canceled',
      'run_canceled',
    ]);
    expect(result.outputs).toEqual({});
  });

  test('text reported while an attempt is being aborted is dropped', async () => {
    const run = runWith(
      ({ signal, emit }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            emit('too late');
            reject(signal.reason);
          });
        }),
    );
    await turns(2);
    run.cancel();
    const { timeline } = await ended(run);
    expect(timeline.some(({ type }) => type === 'task_output')).toBe(false);
  });

  test('by a timer works during a run of 200,000 synchronous tasks', async () => {
    const size = 200_000;
    const cancelSoon = async () => void setTimeout(() => run.cancel());
    const tasks = Array.from(
      { length: size },
      (_, n): Task => ({
        id: `${n}`,
        dependencies: n < 16 ? [] : [`${n - 16}`],
        run: n === 0 ? cancelSoon : async () => n,
      }),
    );
    const run: RunHandle<unknown> = executor.execute(
      { goal: 'busy', tasks },
      { timeline: 'stream' },
    );
    const { status, metrics } = await run;
    expect(status).toBe('canceled');
    expect(metrics.completedTasks).toBeGreaterThan(0);
    expect(metrics.completedTasks + metrics.canceledTasks).toBe(size);
  });
});

describe('time', () => {
  /** Starts nothing before `delayMs` have passed. */
  const patient = (delayMs: number): { strategy: Strategy; asked: number[] } => {
    const asked: number[] = [];
    const strategy: Strategy = {
      name: 'patient',
      begin() {
        const ready: TaskView[] = [];
        let until = 0;
        return {
          ready: (task) => void ready.push(task),
          next(now) {
            asked.push(now);
            until ||= now + delayMs;
            return now < until ? { until } : ready.shift();
          },
        };
      },
    };
    return { strategy, asked };
  };

  const DAY = 24 * 60 * 60 * 1_000;
  test.each([
    ['20 ms', 20],
    ['a day', DAY],
    ['forty days, more than a timer can take,', 40 * DAY],
  ])('a strategy that waits %s is asked again then, and the run continues', async (_, delayMs) => {
    vi.useFakeTimers();
    const { strategy, asked } = patient(delayMs);
    const run = createExecutor({ strategy, abortGraceMs }).execute(
      planOf({ id: 'a', run: () => 1 }),
    );
    let result: PlanResult<unknown> | undefined;
    void run.result.then((value) => {
      result = value;
    });
    await vi.advanceTimersByTimeAsync(delayMs - 1);
    expect(result).toBeUndefined();
    expect(asked.length).toBeLessThanOrEqual(3);
    await vi.advanceTimersByTimeAsync(2);
    expect(result?.status).toBe('completed');
    expect(result?.metrics.maxQueueWaitMs).toBeGreaterThanOrEqual(delayMs);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a run that is canceled while its strategy waits ends at once and leaves no timer', async () => {
    vi.useFakeTimers();
    const { strategy } = patient(DAY);
    const run = createExecutor({ strategy, abortGraceMs }).execute(
      planOf({ id: 'a', run: () => 1 }),
    );
    await vi.advanceTimersByTimeAsync(10);
    run.cancel();
    expect((await run).status).toBe('canceled');
    expect(vi.getTimerCount()).toBe(0);
  });

  test('deadlineMs ends a run that waits for its strategy', async () => {
    vi.useFakeTimers();
    const { strategy } = patient(DAY);
    const run = createExecutor({ strategy, abortGraceMs }).execute(
      planOf({ id: 'a', run: () => 1 }),
      {
        deadlineMs: 1_000,
      },
    );
    await vi.advanceTimersByTimeAsync(1_001);
    expect(await run).toMatchObject({ status: 'failed', error: { code: 'deadline_exceeded' } });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('deadlineMs aborts attempts in flight with the error of the plan as the reason', async () => {
    vi.useFakeTimers();
    const signals: AbortSignal[] = [];
    const run = runWith(
      ({ signal }) => {
        signals.push(signal);
        return never();
      },
      single,
      { deadlineMs: 60_000 },
    );
    await vi.advanceTimersByTimeAsync(59_990);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    await vi.advanceTimersByTimeAsync(20);
    const result = await run;
    expect(signals[0]?.reason).toBe(result.error);
    expect(result.metrics.executionTimeMs).toBeGreaterThanOrEqual(60_000);
    expect(result.tasks[0]).toMatchObject({ status: 'canceled', reason: 'deadline_exceeded' });
  });

  test.each([1_000, Number.MAX_VALUE])(
    'a run that ends before its deadlineMs of %s leaves no timer',
    async (deadlineMs) => {
      vi.useFakeTimers();
      const { status } = await executor.execute(planOf({ id: 'a', run: async () => 1 }), {
        deadlineMs,
      });
      expect(status).toBe('completed');
      expect(vi.getTimerCount()).toBe(0);
    },
  );

  test('stamps events with Unix time that never goes backwards', async () => {
    const before = Date.now();
    const tasks = Array.from({ length: 50 }, (_, n): Task => ({ id: `${n}`, run: () => turns(1) }));
    const { timeline } = await executor.execute({ goal: 'x', tasks });
    const stamps = timeline.map(({ timestamp }) => timestamp);
    expect(stamps).toEqual([...stamps].sort((a, b) => a - b));
    // The two clocks may differ slightly, but not by a second.
    expect(Math.abs((stamps[0] as number) - before)).toBeLessThan(1_000);
    expect(timeline.map(({ sequence }) => sequence)).toEqual(timeline.map((_, index) => index));
  });
});
