import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  createExecutor,
  type Plan,
  type PlanResult,
  type RunContext,
  type RunEvent,
  type RunHandle,
  RunnerError,
  type RunOptions,
  type Scheduler,
  type Strategy,
  type Task,
  type TaskRunner,
  type TaskView,
} from '../index.js';
import { Heap } from '../strategy.js';

const inOrder: Strategy = {
  name: 'in-order',
  begin() {
    const ready = new Heap<TaskView>((a, b) => a.index - b.index);
    return { ready: (task) => ready.push(task), next: () => ready.pop() };
  },
};

/** Some attempts here ignore their signal. */
const abortGraceMs = 0;
const executor = createExecutor({ strategy: inOrder, abortGraceMs });

const planOf = (...tasks: Task[]): Plan => ({ goal: 'test', tasks });
const single = planOf({ id: 'a', description: 'Do it' });
const never = () => new Promise<never>(() => {});

const runnerOf = (run: (context: RunContext) => unknown): TaskRunner => ({
  name: 'test',
  run: ((_, context) => run(context)) as TaskRunner['run'],
});

const runWith = (run: (context: RunContext) => unknown, plan = single, options: RunOptions = {}) =>
  createExecutor({ strategy: inOrder, runner: runnerOf(run), abortGraceMs }).execute(plan, options);

const statuses = ({ tasks }: PlanResult<unknown>) => tasks.map(({ status }) => status);

/** Turns of the event loop, in which everything happens that is not waiting for time to pass. */
async function turns(count = 10): Promise<void> {
  for (let n = 0; n < count; n++) await new Promise((resolve) => setImmediate(resolve));
}

/** The result of a run that has no reason to wait for anything. */
async function ended<Outputs>(run: RunHandle<Outputs>): Promise<PlanResult<Outputs>> {
  let result: PlanResult<Outputs> | undefined;
  void run.result.then((value) => {
    result = value;
  });
  await turns();
  if (result === undefined) throw new Error('the run has not ended');
  return result;
}

// An unhandled rejection would end the user's process.
const escaped = vi.fn();
beforeEach(() => {
  escaped.mockClear();
  process.on('unhandledRejection', escaped);
  process.on('uncaughtException', escaped);
});
afterEach(async () => {
  vi.useRealTimers();
  await turns(3);
  process.off('unhandledRejection', escaped);
  process.off('uncaughtException', escaped);
  expect(escaped).not.toHaveBeenCalled();
});

describe('a runner', () => {
  const throwing = (field: string) =>
    Object.defineProperty({ output: 1 }, field, {
      get() {
        throw new Error(`no ${field}`);
      },
    });
  const revoked = () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  };

  test.each<[string, () => unknown]>([
    ['has an output that cannot be read', () => throwing('output')],
    ['has a usage that cannot be read', () => throwing('usage')],
    ['is a proxy that has been revoked', revoked],
    ['is a list', () => [1]],
    ['is a number', () => 7],
    ['is a function', () => () => ({ output: 1 })],
  ])('whose answer %s fails its task and nothing else', async (_, answer) => {
    const plan = planOf({ id: 'a', description: 'x' }, { id: 'b', run: () => 'fine' });
    const result = await ended(runWith(async () => answer(), plan));
    expect(statuses(result)).toEqual(['failed', 'completed']);
    expect(result.error?.code).toBe('run_failed');
  });

  test.each<[string, unknown]>([
    ['null', null],
    ['a text', 'much'],
    ['an empty object', {}],
    ['an object of texts', { inputTokens: '3', outputTokens: '4' }],
    ['not a number', { inputTokens: Number.NaN, outputTokens: 1 }],
    ['partly null', { inputTokens: 1, outputTokens: 2, cachedInputTokens: null }],
  ])('whose usage is %s never leads to NaN in the metrics', async (_, usage) => {
    const answers = await ended(runWith(async () => ({ output: 1, usage })));
    const failures = await ended(
      runWith(async () => {
        throw new RunnerError('refused', 'x', { usage: usage as never });
      }),
    );
    for (const { metrics } of [answers, failures]) {
      for (const tokens of Object.values(metrics.usage)) {
        expect(Number.isFinite(tokens), `${JSON.stringify(metrics.usage)}`).toBe(true);
      }
    }
  });

  test.each([null, Number.NaN, 'free', Number.POSITIVE_INFINITY, -1])(
    'whose reported cost is %s does not change the total cost',
    async (costUsd) => {
      const usage = { inputTokens: 1, outputTokens: 1 };
      const { status, metrics, tasks } = await ended(
        runWith(async () => ({ output: 1, usage, costUsd })),
      );
      // Accepted without the cost, or rejected as a whole.
      if (status === 'completed') expect(metrics.costUsd).toBeNull();
      else expect(tasks[0]?.error?.code).toBe('invalid_output');
      const failed = await ended(
        runWith(async () => {
          throw new RunnerError('refused', 'x', { usage, costUsd: costUsd as never });
        }),
      );
      expect(failed.metrics.costUsd).toBeNull();
    },
  );

  test.each<[string, () => unknown]>([
    [
      'has a message that is no text',
      () => {
        throw Object.assign(new Error('x', { cause: new Error('y') }), { message: 42 });
      },
    ],
    [
      'has a cause that cannot be read',
      () => {
        throw Object.defineProperty(new Error('x'), 'cause', {
          get() {
            throw new Error('no');
          },
        });
      },
    ],
    [
      'is a proxy that has been revoked',
      () => {
        throw revoked();
      },
    ],
    [
      'cannot be written as JSON',
      () => {
        throw { n: 1n };
      },
    ],
  ])('whose error %s fails its task and nothing else', async (_, run) => {
    for (const attempt of [run, async () => run()]) {
      const plan = planOf({ id: 'a', description: 'x' }, { id: 'b', run: () => 'fine' });
      const result = await ended(runWith(attempt, plan));
      expect(statuses(result)).toEqual(['failed', 'completed']);
      expect(result.tasks[0]?.error?.message).toMatch(/^Task "a" failed: ./);
    }
  });

  test('is called as a method, with a context that can be destructured', async () => {
    class Counting implements TaskRunner {
      readonly name = 'counting';
      #calls = 0;
      async run(_: unknown, { emit, taskId, attempt }: RunContext) {
        emit(`${taskId} ${attempt}`);
        return { output: ++this.#calls };
      }
    }
    const plan = planOf({ id: 'a', description: 'x' }, { id: 'b', description: 'y' });
    const run = createExecutor({ strategy: inOrder, runner: new Counting() }).execute(plan);
    const { outputs, timeline } = await ended(run);
    expect(outputs).toEqual({ a: 1, b: 2 });
    const texts = timeline.flatMap((event) =>
      event.type === 'task_output' && event.kind === 'text' ? event.text : [],
    );
    expect(texts).toEqual(['a 1', 'b 1']);
  });

  test('that answers with a promise of another library is awaited', async () => {
    const thenable = {
      // biome-ignore lint/suspicious/noThenProperty: that is what is tested
      then(resolve: (value: unknown) => void) {
        queueMicrotask(() => {
          resolve({ output: 'first' });
          resolve({ output: 'second' });
        });
      },
    };
    expect((await ended(runWith(() => thenable))).outputs).toEqual({ a: 'first' });
  });

  test('is not called for function tasks or tasks that never start', async () => {
    const asked: string[] = [];
    const plan = planOf(
      { id: 'a', description: 'x' },
      { id: 'b', description: 'text', run: () => 'own', dependencies: [] },
      { id: 'c', description: 'y', dependencies: ['a'] },
    );
    await ended(
      runWith(({ taskId }) => {
        asked.push(taskId);
        throw new Error('no');
      }, plan),
    );
    expect(asked).toEqual(['a']);
  });
});

describe('a task', () => {
  test('starts as soon as its own dependencies are done', async () => {
    const order: string[] = [];
    const step = (id: string, time: number, ...dependencies: string[]): Task => ({
      id,
      dependencies,
      run: async () => {
        await turns(time);
        order.push(id);
      },
    });
    await executor.execute(
      planOf(step('slow', 9), step('quick', 1), step('after quick', 1, 'quick')),
    );
    expect(order).toEqual(['quick', 'after quick', 'slow']);
  });

  test('has the outputs of its dependencies and no others', async () => {
    const seen: Record<string, unknown> = {};
    const width = 1_000;
    const ids = Array.from({ length: width }, (_, n) => `task ${n}`);
    const plan = planOf(
      ...ids.map((id, n): Task => ({ id, run: async () => n })),
      { id: 'stranger', run: () => 'no' },
      {
        id: 'end',
        dependencies: ids,
        run(inputs) {
          Object.assign(seen, inputs);
        },
      },
    );
    expect((await executor.execute(plan)).status).toBe('completed');
    expect(seen).toEqual(Object.fromEntries(ids.map((id, n) => [id, n])));
  });

  test('receives undefined and error outputs unchanged', async () => {
    const error = new Error('a value');
    const inputs: unknown[] = [];
    const plan = planOf(
      { id: 'a', run: () => undefined },
      { id: 'b', run: async () => error },
      { id: 'c', dependencies: ['a', 'b'], run: (given) => inputs.push({ ...given }) },
    );
    expect((await executor.execute(plan)).status).toBe('completed');
    expect(inputs).toEqual([{ a: undefined, b: error }]);
  });

  test('has the outputs of its dependencies in its prompt in their listed order', async () => {
    let prompt = '';
    const runner: TaskRunner = {
      name: 'test',
      async run(request) {
        prompt = request.prompt;
        return { output: '' };
      },
    };
    const plan = planOf(
      { id: '1', run: () => 'one' },
      { id: 'b', run: () => 'letter' },
      { id: '2', run: () => 'two' },
      { id: 'end', description: 'Do', dependencies: ['b', '2', '1'] },
    );
    await createExecutor({ strategy: inOrder, runner }).execute(plan);
    expect(prompt.match(/(?<=task=")\w+/g)).toEqual(['b', '2', '1']);
  });

  test.each([
    '__proto__',
    'constructor',
    'toString',
    'then',
    'a"b',
    '0',
    'é–🙂',
    'x'.repeat(1_000_000),
  ])('with the id %.20j runs like any other', async (id) => {
    const plan = planOf(
      { id, run: () => 'value' },
      { id: 'end', dependencies: [id], run: (inputs) => Object.entries(inputs) },
    );
    const result = await executor.execute(plan);
    expect(result.status).toBe('completed');
    expect(Object.entries(result.outputs)[0]).toEqual([id, 'value']);
    expect(result.outputs.end).toEqual([[id, 'value']]);
    expect(JSON.parse(JSON.stringify(result)).tasks[0].id).toBe(id);
  });

  test('may run another plan on the same executor', async () => {
    const inner = planOf({ id: 'a', run: () => 'inner' });
    const outer = planOf({ id: 'a', run: async () => (await executor.execute(inner)).outputs.a });
    expect((await executor.execute(outer)).outputs).toEqual({ a: 'inner' });
  });

  test('runs as it was at the start, even if the plan changes later', async () => {
    const tasks: Task[] = [{ id: 'a', run: () => 1 }];
    const run = executor.execute({ goal: 'x', tasks });
    tasks.push({ id: 'b', run: () => 2 });
    const result = await ended(run);
    const [started] = result.timeline;
    expect(result.tasks).toHaveLength(1);
    expect(started?.type === 'run_started' && started.plan.tasks).toHaveLength(1);
  });
});

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
    const tasks = Array.from(
      { length: size },
      (_, n): Task => ({
        id: `${n}`,
        dependencies: n < 16 ? [] : [`${n - 16}`],
        run: async () => n,
      }),
    );
    const run = executor.execute({ goal: 'busy', tasks }, { timeline: 'stream' });
    setTimeout(() => run.cancel(), 1);
    const { status, metrics } = await run;
    expect(status).toBe('canceled');
    expect(metrics.completedTasks).toBeGreaterThan(0);
    expect(metrics.completedTasks + metrics.canceledTasks).toBe(size);
  });
});

describe('size', () => {
  test('a chain of 100,000 synchronous functions completes', async () => {
    const size = 100_000;
    const tasks = Array.from(
      { length: size },
      (_, n): Task => ({
        id: `${n}`,
        dependencies: n === 0 ? [] : [`${n - 1}`],
        run: (inputs) => (inputs[`${n - 1}`] ?? 0) + 1,
      }),
    );
    const plan: Plan = { goal: 'chain', tasks };
    const { status, outputs } = await executor.execute(plan);
    expect(status).toBe('completed');
    expect(outputs[`${size - 1}`]).toBe(size);
  });

  test('one task receives the outputs of 100,000 others, which may all run at once', async () => {
    const size = 100_000;
    const ids = Array.from({ length: size }, (_, n) => `${n}`);
    const tasks: Task[] = [
      ...ids.map((id): Task => ({ id, run: async () => 1 })),
      {
        id: 'end',
        dependencies: ids,
        run: (inputs) => (Object.values(inputs) as number[]).reduce((sum, n) => sum + n, 0),
      },
    ];
    const plan: Plan = { goal: 'fan', tasks };
    const result = await executor.execute(plan, {
      maxParallel: Number.POSITIVE_INFINITY,
      timeline: 'stream',
    });
    expect(result.outputs.end).toBe(size);
    expect(result.metrics.peakConcurrency).toBe(size);
  });

  test('a failure at the head of 100,000 dependents skips each of them once', async () => {
    const size = 100_000;
    const tasks = Array.from(
      { length: size },
      (_, n): Task => ({
        id: `${n}`,
        dependencies: n === 0 ? [] : [...new Set([`${n - 1}`, '0'])],
        run() {
          throw new Error('no');
        },
      }),
    );
    const { metrics } = await executor.execute({ goal: 'x', tasks }, { timeline: 'stream' });
    expect(metrics).toMatchObject({ failedTasks: 1, skippedTasks: size - 1 });
  });
});

describe('a strategy', () => {
  const pair = planOf({ id: 'a', run: () => 1 }, { id: 'b', dependencies: ['a'], run: () => 2 });

  const runUnder = (scheduler: Partial<Record<keyof Scheduler, unknown>> | undefined) => {
    const ready: TaskView[] = [];
    const sound = { ready: (task: TaskView) => void ready.push(task), next: () => ready.shift() };
    const strategy = {
      name: 'odd',
      begin: () => (scheduler === undefined ? undefined : { ...sound, ...scheduler }),
    };
    return createExecutor({ strategy: strategy as Strategy }).execute(pair);
  };
  const fails = () => {
    throw new Error('oops');
  };

  test('that throws in begin() fails the plan with what it threw as the cause', async () => {
    const strategy: Strategy = { name: 'odd', begin: fails };
    const result = await ended(createExecutor({ strategy, abortGraceMs }).execute(pair));
    expect(result.error).toMatchObject({
      code: 'invalid_strategy',
      message: 'Strategy "odd" threw in begin(): oops',
      cause: { message: 'oops' },
    });
    expect(statuses(result)).toEqual(['canceled', 'canceled']);
  });

  test.each(['ready', 'next', 'settled'])('that throws in %s() fails the plan', async (method) => {
    const result = await ended(runUnder({ [method]: fails }));
    expect(result.status).toBe('failed');
    expect(result.error).toMatchObject({
      code: 'invalid_strategy',
      message: `Strategy "odd" threw in ${method}(): oops`,
    });
    expect(result.tasks.map(({ reason }) => reason).at(-1)).toBe('invalid_strategy');
  });

  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  test.each<[string, () => unknown]>([
    ['null for ever', () => null],
    ['undefined for ever', () => undefined],
    ['a text', () => 'a'],
    ['a number', () => 0],
    ['true', () => true],
    ['a symbol', () => Symbol('a')],
    ['a promise', async () => undefined],
    ['a list', () => []],
    ['an empty object', () => ({})],
    ['a task that it made up', () => ({ id: 'a', index: 0 })],
    ['a task by a name that cannot be shown', () => ({ id: Symbol('a'), index: 0 })],
    ['a wait into the past', () => ({ until: 5 })],
    ['a wait for ever', () => ({ until: Number.POSITIVE_INFINITY })],
    ['a wait until never', () => ({ until: Number.NaN })],
    ['a wait without a time', () => ({ until: undefined })],
    ['a wait until a text', () => ({ until: 'soon' })],
    ['a wait until a symbol', () => ({ until: Symbol('soon') })],
    ['a wait until a bigint', () => ({ until: 10n ** 30n })],
    [
      'a wait that cannot be read',
      () => ({
        get until() {
          throw new Error('no');
        },
      }),
    ],
    ['a proxy that has been revoked', () => revoked.proxy],
  ])('whose next() returns %s fails the plan', async (_, next) => {
    const result = await ended(runUnder({ next }));
    expect(result.status).toBe('failed');
    expect(result.error?.code).toBe('invalid_strategy');
    expect(result.error?.message).toContain('Strategy "odd" ');
    expect(statuses(result)).toEqual(['canceled', 'canceled']);
  });

  test.each<[string, Partial<Record<keyof Scheduler, unknown>> | undefined]>([
    ['nothing', undefined],
    ['an object without next()', { next: undefined }],
    ['an object without ready()', { ready: undefined }],
  ])(
    'whose begin() returns %s fails the plan with an error about begin()',
    async (_, scheduler) => {
      const result = await ended(runUnder(scheduler));
      expect(result.error?.code).toBe('invalid_strategy');
      expect(result.error?.message).toContain('begin()');
    },
  );

  test.each(['ready', 'next', 'settled'])(
    'whose %s() is asynchronous and rejects does not end the process',
    async (method) => {
      const run = runUnder({
        [method]: async () => {
          throw new Error('oops');
        },
      });
      expect(['completed', 'failed']).toContain((await ended(run)).status);
    },
  );

  test('that returns a task twice fails the plan, and attempts in flight are aborted', async () => {
    const ready: TaskView[] = [];
    const strategy: Strategy = {
      name: 'twice',
      begin: () => ({ ready: (task) => void ready.push(task), next: () => ready[0] }),
    };
    const result = await ended(
      createExecutor({ strategy, abortGraceMs }).execute(
        planOf({ id: 'a', run: never }, { id: 'b', run: never }),
      ),
    );
    expect(result.error?.message).toBe(
      'Strategy "twice" chose "a" that is not ready; ' +
        'next() must return each task once, the same object that ready() received',
    );
    expect(statuses(result)).toEqual(['canceled', 'canceled']);
  });

  test('that returns the task of another run fails the plan', async () => {
    let stolen: TaskView | undefined;
    const strategy: Strategy = {
      name: 'thief',
      begin() {
        const ready: TaskView[] = [];
        return {
          ready: (task) => void ready.push(task),
          next() {
            const own = ready.shift();
            stolen ??= own;
            return own && stolen;
          },
        };
      },
    };
    const thief = createExecutor({ strategy });
    await ended(thief.execute(planOf({ id: 'a', run: () => 1 })));
    const result = await ended(thief.execute(planOf({ id: 'a', run: () => 1 })));
    expect(result.error?.message).toContain('chose "a" that is not ready');
  });

  test('that never returns a ready task fails the plan once nothing runs', async () => {
    const strategy: Strategy = {
      name: 'hoarder',
      begin() {
        const ready: TaskView[] = [];
        return {
          ready: (task) => void (task.level === 0 && ready.push(task)),
          next: () => ready.shift(),
        };
      },
    };
    const result = await ended(createExecutor({ strategy, abortGraceMs }).execute(pair));
    expect(result.error?.message).toContain('started nothing although nothing is running');
    expect(result.error?.message).toContain('1 task is ready');
    expect(result.outputs).toEqual({ a: 1 });
    expect(statuses(result)).toEqual(['completed', 'canceled']);
  });

  test('never exceeds the cap, however many tasks it returns', async () => {
    let running = 0;
    let peak = 0;
    const tasks = Array.from(
      { length: 200 },
      (_, n): Task => ({
        id: `${n}`,
        async run() {
          peak = Math.max(peak, ++running);
          await turns(n % 3);
          running--;
        },
      }),
    );
    const { metrics } = await executor.execute({ goal: 'x', tasks }, { maxParallel: 7 });
    expect(peak).toBe(7);
    expect(metrics.peakConcurrency).toBe(7);
  });

  test('may be an instance of a class, as may its scheduler', async () => {
    class Stack implements Strategy, Scheduler {
      readonly name = 'stack';
      readonly #ready: TaskView[] = [];
      begin() {
        return new Stack();
      }
      ready(task: TaskView) {
        this.#ready.push(task);
      }
      next() {
        return this.#ready.pop();
      }
    }
    expect((await ended(createExecutor({ strategy: new Stack() }).execute(pair))).status).toBe(
      'completed',
    );
  });

  test('learns how each attempt ended', async () => {
    const outcomes: unknown[] = [];
    const settled = (task: TaskView, outcome: object) => outcomes.push([task.id, outcome]);
    const plan = planOf({ id: 'a', description: 'x' }, { id: 'b', description: 'y' });
    const usage = { inputTokens: 1, outputTokens: 2 };
    const strategy: Strategy = {
      name: 'listening',
      begin: (view) => ({ ...inOrder.begin(view), settled }),
    };
    const runner = runnerOf(async ({ taskId }) => {
      if (taskId === 'a') return { output: 1, usage };
      throw new RunnerError('rate_limited', 'slow down', { retryAfterMs: 9, usage });
    });
    const retry = { maxAttempts: 1 };
    await ended(createExecutor({ strategy, runner, retry }).execute(plan));
    expect(outcomes).toEqual([
      [
        'a',
        {
          ok: true,
          latencyMs: expect.any(Number),
          errorCode: undefined,
          retryAfterMs: undefined,
          usage,
          retryDelayMs: undefined,
        },
      ],
      [
        'b',
        {
          ok: false,
          latencyMs: expect.any(Number),
          errorCode: 'rate_limited',
          retryAfterMs: 9,
          usage,
        },
      ],
    ]);
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

describe('a listener', () => {
  test('may start another run, leave an iteration and cancel in one call', async () => {
    const inner: PromiseLike<PlanResult<unknown>>[] = [];
    const run: RunHandle<unknown> = executor.execute(
      planOf({ id: 'a', run: () => 1 }, { id: 'b', dependencies: ['a'], run: () => 2 }),
      {
        onEvent(event) {
          if (event.type !== 'task_completed') return;
          inner.push(executor.execute(planOf({ id: 'x', run: () => 1 })));
          void (async () => {
            for await (const _ of run) break;
          })();
          run.cancel();
        },
      },
    );
    expect((await ended(run)).status).toBe('canceled');
    expect(inner).toHaveLength(1);
    expect((await inner[0])?.status).toBe('completed');
  });

  test.each<[string, () => unknown]>([
    [
      'throws undefined',
      () => {
        throw undefined;
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
    [
      'gives a promise that throws',
      () => ({
        // biome-ignore lint/suspicious/noThenProperty: that is what is tested
        then() {
          throw new Error('no');
        },
      }),
    ],
    [
      'gives what cannot be looked at',
      () =>
        Object.defineProperty({}, 'then', {
          get() {
            throw new Error('no');
          },
        }),
    ],
  ])('that %s only adds to listenerErrors', async (_, onEvent) => {
    const plan = planOf({ id: 'a', run: () => 1 });
    const result = await ended(executor.execute(plan, { onEvent: onEvent as () => void }));
    await turns(2);
    expect(result.status).toBe('completed');
    expect(result.timeline).toHaveLength(5);
    expect(result.listenerErrors).toHaveLength(5);
  });

  test('that throws 100,000 times has its first hundred errors in the result', async () => {
    const tasks = Array.from({ length: 50_000 }, (_, n): Task => ({ id: `${n}`, run: () => n }));
    let count = 0;
    const { status, listenerErrors } = await executor.execute(
      { goal: 'x', tasks },
      {
        onEvent() {
          throw count++;
        },
      },
    );
    expect(status).toBe('completed');
    expect(listenerErrors).toEqual(Array.from({ length: 100 }, (_, n) => n));
  });

  test('sees the same events, in the same order, as iterators and the result', async () => {
    const heard: RunEvent[] = [];
    const iterated: RunEvent[] = [];
    const run = executor.execute(
      planOf({ id: 'a', run: async () => 1 }, { id: 'b', dependencies: ['a'], run: () => 2 }),
      { onEvent: (event) => void heard.push(event) },
    );
    for await (const event of run) iterated.push(event);
    const { timeline } = await run;
    expect(heard).toEqual(timeline);
    expect(iterated).toEqual(timeline);
  });
});
