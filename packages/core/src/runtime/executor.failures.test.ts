import { describe, expect, test, vi } from 'vitest';
import { inOrder } from '../../test/direct-runs.js';
import {
  executor,
  executorWith,
  failOnUnhandledRejections,
  gate,
  settle,
  types,
} from '../../test/executors.js';
import {
  createExecutor,
  createPlan,
  type ExecutorOptions,
  isStratagemError,
  type Plan,
  type RunContext,
  type RunHandle,
  RunnerError,
  StratagemError,
} from '../index.js';

const single: Plan = { goal: 'one', tasks: [{ id: 'a', description: 'Do it' }] };

failOnUnhandledRejections();

describe('a failed task', () => {
  test('skips its dependents and no other task', async () => {
    const plan = createPlan('partial')
      .addTask({
        id: 'a',
        run() {
          throw new Error('broken');
        },
      })
      .addTask({ id: 'b', dependencies: ['a'], run: () => 1 })
      .addTask({ id: 'c', run: async () => 'c' })
      .addTask({ id: 'd', dependencies: ['c'], run: async () => 'd' });
    const result = await executor.execute(plan);
    expect(result.status).toBe('failed');
    expect(result.tasks.map(({ status }) => status)).toEqual([
      'failed',
      'skipped',
      'completed',
      'completed',
    ]);
    expect(result.tasks[1]).toMatchObject({
      reason: 'dependency_failed',
      failedTaskId: 'a',
      attempts: 0,
    });
    expect(result.outputs).toEqual({ c: 'c', d: 'd' });
    expect(result.error?.message).toBe('The run failed. Task "a" failed: broken');
    expect(result.metrics).toMatchObject({ successRate: 0.5, failedTasks: 1, skippedTasks: 1 });
  });

  test('stops the run with failFast', async () => {
    const aborted = vi.fn();
    const plan = createPlan('stop')
      .addTask({ id: 'a', run: () => Promise.reject(new Error('broken')) })
      .addTask({
        id: 'b',
        run: (_, { signal }) =>
          new Promise((_, reject) => {
            signal.addEventListener('abort', () => {
              aborted((signal.reason as Error).message);
              reject(signal.reason);
            });
          }),
      })
      .addTask({ id: 'c', dependencies: ['b'], run: () => 1 });
    const { status, tasks } = await executor.execute(plan, { failFast: true });
    expect(status).toBe('failed');
    expect(tasks.map((task) => task.status)).toEqual(['failed', 'canceled', 'skipped']);
    expect(aborted).toHaveBeenCalledExactlyOnceWith('Task "a" failed: broken');
  });

  test.each<[string, unknown, string]>([
    ['an error', new Error('broken'), 'broken'],
    ['an error without a message', new TypeError(), 'TypeError'],
    ['a string', 'broken', 'broken'],
    ['an empty string', '', 'an empty string was thrown'],
    ['undefined', undefined, 'undefined was thrown'],
    ['null', null, 'null was thrown'],
    ['an object', { status: 3 }, '{"status":3}'],
    ['a symbol', Symbol('x'), 'Symbol(x)'],
    [
      'an error with a cause',
      new Error('fetch failed', { cause: new Error('refused') }),
      'fetch failed: refused',
    ],
  ])(
    'names the thrown value when it was %s, and keeps it as the cause',
    async (_, thrown, message) => {
      for (const run of [
        () => Promise.reject(thrown),
        () => {
          throw thrown;
        },
      ]) {
        for (const result of [
          await executor.execute(createPlan('x').addTask({ id: 'a', run })),
          await executorWith(run).execute(single),
        ]) {
          const [task] = result.tasks;
          expect(task).toMatchObject({
            status: 'failed',
            error: { code: 'task_failed', taskId: 'a', message: `Task "a" failed: ${message}` },
          });
          expect(task?.error?.cause).toBe(thrown);
        }
      }
    },
  );

  test('keeps the details of a RunnerError, and counts its tokens', async () => {
    const usage = { inputTokens: 5, outputTokens: 7 };
    const details = { retryAfterMs: 1_500, status: 429, requestId: 'r1', usage };
    const result = await executorWith(() =>
      Promise.reject(new RunnerError('rate_limited', 'too many requests', details)),
    ).execute(single, { retry: { maxAttempts: 1 } });
    expect(result.tasks[0]?.error).toMatchObject({ code: 'rate_limited', ...details });
    expect(result.metrics.usage).toMatchObject(usage);
    expect(result.metrics.costUsd).toBeNull();
    const json = JSON.parse(JSON.stringify(result.tasks[0]?.error));
    expect(json).toEqual({
      name: 'TaskError',
      code: 'rate_limited',
      message: 'Task "a" failed: too many requests',
      taskId: 'a',
      ...details,
    });
  });

  test.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['a string', 'text'],
    ['an object with text, tokens', { text: 'x', tokens: 3 }],
    ['an object without fields', {}],
  ])('fails with a clear message when a runner answers with %s', async (words, answer) => {
    const { error } = await executorWith(async () => answer).execute(single);
    expect(error?.cause).toMatchObject({ code: 'invalid_output' });
    expect(error?.message).toContain(
      `runner "test" answered with ${words}; it must resolve to { output }`,
    );
  });

  test('may return a thenable instead of a promise', async () => {
    const thenable = {
      // biome-ignore lint/suspicious/noThenProperty: that is what is tested
      then() {
        throw new Error('odd');
      },
    };
    const run = () => thenable as unknown as Promise<never>;
    const { error } = await executor.execute(createPlan('x').addTask({ id: 'a', run }));
    expect(error?.message).toBe('The run failed. Task "a" failed: odd');
  });
});

describe('cancelling', () => {
  test('aborts attempts in flight, starts nothing and keeps all results', async () => {
    const held = gate();
    let signal: AbortSignal | undefined;
    const plan = createPlan('cancel')
      .addTask({ id: 'a', run: () => 'done' })
      .addTask({
        id: 'b',
        run(_, context) {
          signal = context.signal;
          return held.promise;
        },
      })
      .addTask({ id: 'c', dependencies: ['b'], run: () => 1 });
    const run = executor.execute(plan);
    await settle();
    const reason = new Error('enough');
    run.cancel(reason);
    const result = await run;
    expect(signal?.aborted).toBe(true);
    expect(signal?.reason).toMatchObject({ code: 'run_canceled', cause: reason });
    expect(result.status).toBe('canceled');
    expect(result.outputs).toEqual({ a: 'done' });
    expect(result.tasks.map(({ status }) => status)).toEqual(['completed', 'canceled', 'canceled']);
    expect(result.error).toMatchObject({ code: 'run_canceled', cause: reason });
    expect(types(result.timeline).at(-1)).toBe('run_canceled');

    const length = result.timeline.length;
    held.open();
    await settle();
    expect(result.timeline).toHaveLength(length);
  });

  test('before the start starts nothing', async () => {
    const run = vi.fn();
    const handle = executor.execute(createPlan('x').addTask({ id: 'a', run }));
    handle.cancel();
    expect((await handle).status).toBe('canceled');
    const outer = await executor.execute(createPlan('x').addTask({ id: 'a', run }), {
      signal: AbortSignal.abort('no'),
    });
    expect(outer.status).toBe('canceled');
    expect(outer.error?.cause).toBe('no');
    expect(run).not.toHaveBeenCalled();
  });

  test('works from within a task and from within a listener', async () => {
    let handle: RunHandle<unknown>;
    const plan = createPlan('x')
      .addTask({ id: 'a', run: () => handle.cancel('from a task') })
      .addTask({ id: 'b', dependencies: ['a'], run: () => 1 });
    handle = executor.execute(plan);
    expect((await handle).error?.message).toBe('The run was canceled: from a task');
    handle = executor.execute(createPlan('x').addTask({ id: 'a', run: () => 1 }), {
      onEvent: (event) => event.type === 'task_started' && handle.cancel('from a listener'),
    });
    expect((await handle).error?.message).toBe('The run was canceled: from a listener');
  });

  test('twice, or after the end, changes nothing', async () => {
    const held = gate();
    const run = executor.execute(createPlan('x').addTask({ id: 'a', run: held.run }));
    run.cancel('first');
    run.cancel('second');
    const result = await run;
    run.cancel('third');
    expect(await run).toBe(result);
    expect(result.error?.cause).toBe('first');
    const done = executor.execute(createPlan('x').addTask({ id: 'a', run: () => 1 }));
    expect((await done).status).toBe('completed');
    done.cancel();
    expect((await done).status).toBe('completed');
  });

  test('by an outer signal leaves no listener behind', async () => {
    const controller = new AbortController();
    const added = vi.spyOn(controller.signal, 'addEventListener');
    const removed = vi.spyOn(controller.signal, 'removeEventListener');
    const plan = createPlan('x').addTask({ id: 'a', run: async () => 1 });
    await executor.execute(plan, { signal: controller.signal });
    expect(added).toHaveBeenCalledOnce();
    expect(removed).toHaveBeenCalledOnce();

    const held = executor.execute(createPlan('x').addTask({ id: 'a', run: gate().run }), {
      signal: controller.signal,
    });
    await settle();
    controller.abort('stop');
    expect(await held).toMatchObject({ status: 'canceled', error: { cause: 'stop' } });
  });

  test('a signal that is read late is already aborted', async () => {
    let late: RunContext | undefined;
    const run = executor.execute(
      createPlan('x').addTask({
        id: 'a',
        run(_, context) {
          late = context;
          return gate().promise;
        },
      }),
    );
    await settle();
    run.cancel();
    await run;
    expect(late?.signal.aborted).toBe(true);
  });

  test('an attempt that fails or throws after its abort has no effect', async () => {
    const held = gate();
    const plan = createPlan('x').addTask({ id: 'a', run: held.run });
    const run = executor.execute(plan);
    await settle();
    run.cancel();
    const { tasks } = await run;
    held.fail(new Error('late'));
    await settle();
    expect(tasks[0]?.status).toBe('canceled');
  });

  test('takes effect during a long chain of synchronous tasks', async () => {
    const size = 300_000;
    const cancelSoon = () => void setTimeout(() => run.cancel());
    const tasks = Array.from({ length: size }, (_, n) => ({
      id: `${n}`,
      run: n === 0 ? cancelSoon : () => n,
    }));
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

describe('an invalid plan or option', () => {
  test('a plan with problems throws before any task starts', () => {
    expect(() => executor.execute({ goal: 'x', tasks: [] })).toThrow(/the plan has no tasks/);
  });

  test('a task without a function needs a runner', () => {
    const execute = () => executor.execute(single);
    expect(execute).toThrow(StratagemError);
    expect(execute).toThrow(/Task "a" has no run function, so createExecutor\(\) needs a runner/);
    try {
      execute();
    } catch (error) {
      expect(isStratagemError(error) && error.code).toBe('missing_runner');
    }
  });

  test.each<[object | undefined, string]>([
    [undefined, 'createExecutor() takes an object of options'],
    [{}, 'createExecutor(): strategy must be a Strategy'],
    [{ strategy: 'parallel' }, 'createExecutor(): strategy must be a Strategy'],
    [{ strategy: { ...inOrder, maxParallel: 0 } }, 'strategy "in-order": maxParallel must be'],
    [{ strategy: inOrder, maxParalel: 3 }, 'no option "maxParalel". Did you mean "maxParallel"?'],
    [{ strategy: inOrder, maxParallel: 0 }, 'maxParallel must be an integer ≥ 1'],
    [{ strategy: inOrder, failFast: 'yes' }, 'failFast must be true or false'],
    [{ strategy: inOrder, deadlineMs: -1 }, 'deadlineMs must be a positive number of milliseconds'],
    [{ strategy: inOrder, timeline: 'off' }, "timeline must be 'keep' or 'stream'"],
    [{ strategy: inOrder, signal: {} }, 'signal must be an AbortSignal'],
    [{ strategy: inOrder, onEvent: 'log' }, 'onEvent must be a function'],
    [
      { strategy: inOrder, runner: () => {} },
      'runner must be a TaskRunner, an object with a name and run()',
    ],
  ])('options %j are rejected', (options, message) => {
    expect(() => createExecutor(options as ExecutorOptions)).toThrow(message);
  });

  test('options of one run are checked too', () => {
    const execute = (options: object) => () => executor.execute(single, options);
    expect(execute({ strategy: inOrder })).toThrow('execute() has no option "strategy"');
    expect(execute({ maxParallel: 1.5 })).toThrow('execute(): maxParallel');
  });
});
