import { describe, expect, test } from 'vitest';
import {
  ended,
  executor,
  failOnEscapedErrors,
  inOrder,
  planOf,
  runWith,
  statuses,
  turns,
} from '../../test/direct-runs.js';
import {
  createExecutor,
  type PlanResult,
  type RunContext,
  type RunEvent,
  type RunHandle,
  RunnerError,
  type Task,
  type TaskRunner,
} from '../index.js';

failOnEscapedErrors();

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
