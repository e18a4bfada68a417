import { describe, expect, test } from 'vitest';
import {
  abortGraceMs,
  ended,
  executor,
  failOnEscapedErrors,
  inOrder,
  never,
  planOf,
  runnerOf,
  statuses,
  turns,
} from '../../test/direct-runs.js';
import {
  createExecutor,
  type Plan,
  RunnerError,
  type Scheduler,
  type Strategy,
  type Task,
  type TaskView,
} from '../index.js';

failOnEscapedErrors();

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
