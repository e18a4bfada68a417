import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
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
  computeMetrics,
  createExecutor,
  createPlan,
  type Plan,
  type RunContext,
  type RunEvent,
  type Strategy,
  type TaskRequest,
  type TaskView,
} from '../index.js';

failOnUnhandledRejections();

describe('the inputs of a task', () => {
  test('the prompt contains the outputs of the dependencies, and the inputs have them as values', async () => {
    const requests: TaskRequest[] = [];
    const runner = executorWith((request) => {
      requests.push(request);
      return Promise.resolve({ output: request.taskId === 'data' ? { n: [1] } : 'Some "text"' });
    });
    const plan = createPlan('prompts')
      .addTask({ id: 'a"<b', description: 'Write' })
      .addTask({ id: 'data', description: 'Count', type: 'observation' })
      .addTask({
        id: 'end',
        description: 'Combine',
        dependencies: ['data', 'a"<b'],
        metadata: { team: 'x' },
      });
    expect((await runner.execute(plan)).status).toBe('completed');
    expect(requests[0]).toEqual({
      taskId: 'a"<b',
      type: 'action',
      prompt: 'Write',
      plainPrompt: 'Write',
      description: 'Write',
      inputs: {},
      metadata: {},
    });
    expect(requests[1]?.type).toBe('observation');
    expect(requests[2]).toMatchObject({
      prompt:
        'Combine\n\n<output task="data">\n{\n  "n": [\n    1\n  ]\n}\n</output>\n\n' +
        '<output task="a&quot;&lt;b">\nSome "text"\n</output>',
      inputs: { data: { n: [1] }, 'a"<b': 'Some "text"' },
      metadata: { team: 'x' },
    });
  });

  test('an output that cannot be inserted into a prompt fails the dependent task', async () => {
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    const runner = executorWith(({ taskId }) => Promise.resolve({ output: taskId }));
    const plan = createPlan('circle')
      .addTask({ id: 'a', run: () => circle })
      .addTask({ id: 'b', description: 'x', dependencies: ['a'] });
    const result = await runner.execute(plan);
    expect(result.tasks[1]).toMatchObject({ status: 'failed', error: { code: 'invalid_input' } });
    expect(result.error?.message).toContain('the output of its dependency "a"');
  });

  test('a function receives the outputs of its dependencies, whatever their ids', async () => {
    const plan: Plan = {
      goal: 'ids',
      tasks: [
        { id: '__proto__', run: () => 1 },
        { id: 'constructor', run: () => 2 },
        { id: 'end', dependencies: ['__proto__', 'constructor'], run: (inputs) => ({ ...inputs }) },
      ],
    };
    const { outputs } = await executor.execute(plan);
    expect(Object.entries(outputs.end as object)).toEqual([
      ['__proto__', 1],
      ['constructor', 2],
    ]);
    expect(Object.keys(outputs)).toEqual(['__proto__', 'constructor', 'end']);
  });

  test('the context has the attempt, the remaining time and the task', async () => {
    let context: RunContext | undefined;
    const plan = createPlan('context').addTask({
      id: 'a',
      run(_, given) {
        context = given;
      },
    });
    await executor.execute(plan);
    expect(context).toMatchObject({ taskId: 'a', attempt: 1, remainingMs: undefined });
    await executor.execute(plan, { deadlineMs: 5_000 });
    expect(context?.remainingMs).toBeGreaterThan(0);
    expect(context?.remainingMs).toBeLessThanOrEqual(5_000);
  });
});

describe('events', () => {
  const plan = createPlan('events')
    .addTask({ id: 'a', run: async (_, { emit }) => emit('hello') })
    .addTask({ id: 'b', dependencies: ['a'], run: async () => 2 });
  const all = [
    'run_started',
    'strategy_initialized',
    'task_started',
    'task_output',
    'task_completed',
    'task_started',
    'task_completed',
    'run_completed',
  ];

  async function collect(events: AsyncIterable<RunEvent>): Promise<RunEvent[]> {
    const seen: RunEvent[] = [];
    for await (const event of events) seen.push(event);
    return seen;
  }

  test.each(['keep', 'stream'] as const)(
    'reach every iterator as they happen (%s)',
    async (timeline) => {
      const run = executor.execute(plan, { timeline });
      const [first, second] = await Promise.all([collect(run), collect(run)]);
      expect(types(first)).toEqual(all);
      expect(types(second)).toEqual(all);
      expect(first[3]).toMatchObject({
        type: 'task_output',
        taskId: 'a',
        attempt: 1,
        text: 'hello',
      });
    },
  );

  test('are published before the run has ended', async () => {
    const held = gate();
    const run = executor.execute(createPlan('live').addTask({ id: 'a', run: held.run }));
    const iterator = run[Symbol.asyncIterator]();
    const seen = [await iterator.next(), await iterator.next(), await iterator.next()];
    expect(seen.map(({ value }) => value?.type)).toEqual(all.slice(0, 3));
    held.open();
    expect((await iterator.next()).value?.type).toBe('task_completed');
  });

  test('are kept for late iterators, unless they are only streamed', async () => {
    const kept = executor.execute(plan);
    const { timeline } = await kept;
    expect(types(timeline)).toEqual(all);
    expect(await collect(kept)).toEqual(timeline);

    const streamed = executor.execute(plan, { timeline: 'stream' });
    const result = await streamed;
    expect(result.timeline).toEqual([]);
    expect(await collect(streamed)).toEqual([]);
    expect(result.metrics.completedTasks).toBe(2);
    expect(result.outputs).toMatchObject({ b: 2 });
  });

  test('continue when an iterator is left', async () => {
    const run = executor.execute(plan);
    for await (const event of run) if (event.type === 'task_started') break;
    expect((await run).status).toBe('completed');
  });

  test('reach a listener, whose errors do not affect the run', async () => {
    const seen: string[] = [];
    const throwing = await executor.execute(plan, {
      onEvent(event) {
        seen.push(event.type);
        if (event.type === 'task_started') throw new Error(`no ${event.taskId}`);
      },
    });
    expect(seen).toEqual(all);
    expect(throwing.status).toBe('completed');
    expect(throwing.listenerErrors.map(String)).toEqual(['Error: no a', 'Error: no b']);

    const rejecting = await executor.execute(plan, { onEvent: (() => Promise.reject(7)) as never });
    await settle();
    expect(rejecting.listenerErrors).toHaveLength(all.length);
  });

  test('text that is emitted after the end of its attempt is dropped', async () => {
    let late: (text: string) => void = () => {};
    const { timeline } = await executor.execute(
      createPlan('late')
        .addTask({
          id: 'a',
          run(_, { emit }) {
            late = emit;
          },
        })
        .addTask({ id: 'b', dependencies: ['a'], run: () => late('too late') }),
    );
    expect(types(timeline)).not.toContain('task_output');
  });
});

describe('limits', () => {
  test('deadlineMs stops the plan, which fails', async () => {
    const plan = createPlan('slow')
      .addTask({ id: 'a', run: () => 'quick' })
      .addTask({ id: 'b', run: gate().run })
      .addTask({ id: 'c', dependencies: ['b'], run: () => 1 });
    const result = await executor.execute(plan, { deadlineMs: 20 });
    expect(result.status).toBe('failed');
    expect(result.error).toMatchObject({ code: 'deadline_exceeded' });
    expect(result.error?.message).toContain('deadline of 20 ms exceeded');
    expect(result.tasks.map(({ reason }) => reason)).toEqual([
      undefined,
      'deadline_exceeded',
      'deadline_exceeded',
    ]);
    expect(result.outputs).toEqual({ a: 'quick' });
  });

  test('maxParallel is the lower cap of strategy and run, or 16 without one', async () => {
    const peak = async (strategy: Partial<Strategy>, options: { maxParallel?: number } = {}) => {
      const tasks = Array.from({ length: 40 }, (_, n) => ({ id: `${n}`, run: settle }));
      const greedy = createExecutor({ strategy: { ...inOrder, ...strategy } });
      return (await greedy.execute({ goal: 'x', tasks }, options)).metrics.peakConcurrency;
    };
    expect(await peak({})).toBe(16);
    expect(await peak({ maxParallel: 3 })).toBe(3);
    expect(await peak({ maxParallel: 3 }, { maxParallel: 5 })).toBe(3);
    expect(await peak({ maxParallel: 5 }, { maxParallel: 3 })).toBe(3);
    expect(await peak({}, { maxParallel: 30 })).toBe(30);
    expect(await peak({ maxParallel: Number.POSITIVE_INFINITY })).toBe(40);
  });

  test('a strategy that asks to wait is asked again at that time', async () => {
    let until = 0;
    const patient: Strategy = {
      name: 'patient',
      begin() {
        const ready: TaskView[] = [];
        return {
          ready: (task) => void ready.push(task),
          next(now) {
            until ||= now + 15;
            return now < until ? { until } : ready.shift();
          },
        };
      },
    };
    const plan = createPlan('x').addTask({ id: 'a', run: () => 1 });
    const { status, tasks } = await createExecutor({ strategy: patient }).execute(plan);
    expect(status).toBe('completed');
    expect(tasks[0]?.startedAt).toBeGreaterThanOrEqual(until);
  });
});

describe('the result', () => {
  const plan = createPlan('result').addTask({ id: 'a', run: () => ({ n: 1 }) });

  test('is serialized to JSON completely', async () => {
    const result = await executor.execute(plan);
    const json = JSON.parse(JSON.stringify(result));
    expect(json).toMatchObject({
      status: 'completed',
      goal: 'result',
      strategy: 'in-order',
      outputs: { a: { n: 1 } },
      tasks: [{ id: 'a', status: 'completed', level: 0, attempts: 1, output: { n: 1 } }],
      metrics: { completedTasks: 1 },
    });
    expect(json.timeline).toHaveLength(5);
  });

  test('is shown by console.log with the length of its timeline', async () => {
    const text = inspect(await executor.execute(plan));
    expect(text).toContain("status: 'completed'");
    expect(text).toContain('a: { n: 1 }');
    expect(text).toContain("timeline: '5 events'");
  });

  test('of two concurrent runs is separate', async () => {
    const [first, second] = await Promise.all([executor.execute(plan), executor.execute(plan)]);
    expect(first.timeline).toHaveLength(5);
    expect(second.timeline).toHaveLength(5);
    expect(first.timeline).not.toBe(second.timeline);
  });
});

describe('the options of one run', () => {
  const tasks = Array.from({ length: 8 }, (_, n) => ({ id: `${n}`, run: settle }));

  test('override those of the executor, where they are set', async () => {
    const heard: string[] = [];
    const careful = createExecutor({
      strategy: inOrder,
      maxParallel: 2,
      timeline: 'stream',
      onEvent: () => heard.push('executor'),
    });
    const own = await careful.execute({ goal: 'x', tasks });
    expect([own.metrics.peakConcurrency, own.timeline.length]).toEqual([2, 0]);
    expect(heard).toContain('executor');

    heard.length = 0;
    const other = await careful.execute(
      { goal: 'x', tasks },
      { maxParallel: 1, timeline: 'keep', onEvent: () => heard.push('run') },
    );
    expect(other.metrics.peakConcurrency).toBe(1);
    expect(other.timeline).not.toHaveLength(0);
    expect(new Set(heard)).toEqual(new Set(['run']));
  });

  test('that are undefined do not override those of the executor', async () => {
    const careful = createExecutor({ strategy: inOrder, maxParallel: 2, timeline: 'stream' });
    const { metrics, timeline } = await careful.execute(
      { goal: 'x', tasks },
      { maxParallel: undefined, timeline: undefined },
    );
    expect(metrics.peakConcurrency).toBe(2);
    expect(timeline).toEqual([]);

    const strict = createExecutor({ strategy: inOrder, failFast: true, deadlineMs: 20 });
    const plan = createPlan('x')
      .addTask({ id: 'a', run: () => Promise.reject(new Error('no')) })
      .addTask({ id: 'b', run: settle });
    const stopped = await strict.execute(plan, { failFast: undefined });
    expect(stopped.tasks[1]?.status).toBe('canceled');
    const slow = createPlan('x').addTask({
      id: 'a',
      run: () => new Promise((resolve) => setTimeout(resolve, 200)),
    });
    const late = await strict.execute(slow, { deadlineMs: undefined });
    expect(late.error?.code).toBe('deadline_exceeded');
  });

  test('do not apply to the next run', async () => {
    const run = () => executor.execute({ goal: 'x', tasks });
    await executor.execute({ goal: 'x', tasks }, { maxParallel: 1 });
    expect((await run()).metrics.peakConcurrency).toBe(8);
  });
});

test('the metrics of a result equal those of its timeline, also with added tasks', async () => {
  const plan = createPlan('x').addTask({ id: 'a', run: () => 1 });
  const run = executor.execute(plan);
  plan.addTask({ id: 'b', run: () => 2 });
  const { metrics, timeline } = await run;
  plan.addTask({ id: 'c', run: () => 3 });
  expect(metrics.totalTasks).toBe(1);
  expect(computeMetrics(timeline)).toEqual(metrics);
});

test('a hundred concurrent runs of one executor are separate', async () => {
  const runs = Array.from({ length: 100 }, (_, n) =>
    executor.execute(
      createPlan(`plan ${n}`)
        .addTask({ id: 'a', run: settle })
        .addTask({ id: 'b', dependencies: ['a'], run: () => n }),
    ),
  );
  runs[13]?.cancel('bad luck');
  const results = await Promise.all(runs);
  for (const [n, result] of results.entries()) {
    expect(result.goal).toBe(`plan ${n}`);
    if (n === 13) expect(result.error?.cause).toBe('bad luck');
    else expect(result.outputs.b).toBe(n);
  }
});

test('a plan can be run again with the same outcome', async () => {
  const plan = createPlan('x')
    .addTask({ id: 'a', run: () => 1 })
    .addTask({ id: 'b', dependencies: ['a'], run: ({ a }) => a + 1 });
  const [first, second] = [await executor.execute(plan), await executor.execute(plan)];
  expect(first.outputs).toEqual(second.outputs);
  expect(types(first.timeline)).toEqual(types(second.timeline));
});

test.each<[string, unknown]>([
  ['undefined', undefined],
  ['null', null],
  ['a number', 3],
  ['a text', 'plan'],
  ['a list', []],
  ['a function', () => {}],
])('a plan that is %s is rejected with an error that says what a plan is', (_, plan) => {
  expect(() => executor.execute(plan as Plan)).toThrow(
    'The plan is invalid, it has 1 problem:\n  - a plan is an object with a goal and tasks',
  );
});

test('a signal of the executor and one of the run each cancel it', async () => {
  for (const which of ['executor', 'run'] as const) {
    const signals = { executor: new AbortController(), run: new AbortController() };
    const stoppable = createExecutor({
      strategy: inOrder,
      signal: signals.executor.signal,
      abortGraceMs: 0,
    });
    const run = stoppable.execute(createPlan('x').addTask({ id: 'a', run: gate().run }), {
      signal: signals.run.signal,
    });
    await settle();
    signals[which].abort(which);
    expect(await run).toMatchObject({ status: 'canceled', error: { cause: which } });
  }
});

test('an iterator that is created at once and read late misses no event, also in a stream', async () => {
  const plan = createPlan('x').addTask({ id: 'a', run: () => 1 });
  const run = executor.execute(plan, { timeline: 'stream' });
  const iterator = run[Symbol.asyncIterator]();
  await run;
  expect((await iterator.next()).value?.type).toBe('run_started');
});

test('emit rejects anything but output parts', async () => {
  const plan = createPlan('x').addTask({ id: 'a', run: (_, { emit }) => emit(5 as never) });
  expect((await executor.execute(plan)).error?.message).toContain('emit() takes a piece of text');
});

test('the error of a nested plan fails the task with its message', async () => {
  const inner = createPlan('inner').addTask({
    id: 'b',
    run: () => Promise.reject(new Error('no')),
  });
  const outer = createPlan('outer').addTask({
    id: 'a',
    async run() {
      const result = await executor.execute(inner);
      if (result.status !== 'completed') throw result.error;
    },
  });
  const [task] = (await executor.execute(outer)).tasks;
  expect(task?.error).toMatchObject({
    code: 'task_failed',
    message: 'Task "a" failed: The run failed. Task "b" failed: no',
  });
});
