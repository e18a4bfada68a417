import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { RunnerError } from '../contract/errors.js';
import type { RunEvent } from '../contract/event.js';
import type { Plan } from '../contract/plan.js';
import { createPlan } from '../contract/plan-builder.js';
import { PlanError } from '../contract/plan-error.js';
import type { RunContext } from '../contract/run-context.js';
import type { TaskOutput, TaskRequest, TaskRunner } from '../contract/runner.js';
import type { Outcome, Strategy, TaskView } from '../contract/strategy.js';
import type { Task } from '../contract/task.js';
import { tool } from '../contract/tool.js';
import { memoryJournal } from '../journal/memory-journal.js';
import { simulate } from '../simulate/simulate.js';
import { createExecutor } from './executor.js';
import type { ExecutorOptions } from './executor-options.js';
import type { RunOptions } from './options.js';

const inOrder: Strategy = {
  name: 'in-order',
  begin() {
    const ready: TaskView[] = [];
    let chosen = 0;
    return {
      ready: (task) => void ready.push(task),
      next: () => (chosen < ready.length ? ready[chosen++] : undefined),
    };
  },
};

type Work = (request: TaskRequest, context: RunContext) => TaskOutput | Promise<TaskOutput>;

function executorWith(work: Work, more: Partial<TaskRunner & ExecutorOptions> = {}) {
  const { name = 'test', supportsTools, resource, ...options } = more;
  const fields = {
    ...(supportsTools !== undefined && { supportsTools }),
    ...(resource && { resource }),
  };
  const runner: TaskRunner = { name, ...fields, run: async (...given) => work(...given) };
  return createExecutor({ strategy: inOrder, runner, abortGraceMs: 0, ...options });
}

const search = tool({
  name: 'search',
  description: 'Searches.',
  inputSchema: z.object({ query: z.string() }),
  execute: ({ query }, { taskId }) => `${taskId} looked for ${query}`,
});

describe('tools', () => {
  const callFirst: Work = async ({ tools = [] }) => {
    const result = await tools[0]?.call({ query: 'x' });
    return { output: result?.text };
  };
  const options = { supportsTools: true, tools: [search] };
  const task = (tools: Task['tools'], more: Partial<Task> = {}): Task => ({
    id: 'a',
    description: 'Look it up',
    tools,
    ...more,
  });
  const planOf = (...tasks: Task[]): Plan => ({ goal: 'look', tasks });

  test('are listed by name or as objects, also by added tasks and elements', async () => {
    const plan = createPlan('look')
      .addTask({ id: 'named', description: 'x', tools: ['search'] })
      .addTask({ id: 'given', description: 'x', tools: [search] })
      .addTask({
        id: 'each',
        description: 'x',
        forEach: () => [1, 2],
        tools: ['search'],
      })
      .addTask({
        id: 'more',
        run: (_, { addTasks }) => addTasks([{ id: 'late', description: 'x', tools: ['search'] }]),
      });
    const { outputs, error } = await executorWith(callFirst, options).execute(plan);
    expect(error).toBeUndefined();
    expect(outputs).toMatchObject({
      named: 'named looked for x',
      given: 'given looked for x',
      each: [{ output: 'each[0] looked for x' }, { output: 'each[1] looked for x' }],
      late: 'late looked for x',
    });
  });

  test('reach the runner with their JSON Schema, or not at all when there are none', async () => {
    const seen: TaskRequest[] = [];
    const executor = executorWith((request) => {
      seen.push(request);
      return { output: '' };
    }, options);
    await executor.execute(planOf(task(['search']), { id: 'b', description: 'x', tools: [] }));
    expect(seen[0]?.tools).toMatchObject([
      { name: 'search', description: 'Searches.', inputSchema: { required: ['query'] } },
    ]);
    expect(seen[1]).not.toHaveProperty('tools');
  });

  test('are recorded by name', async () => {
    const result = await executorWith(callFirst, options).execute(planOf(task([search])));
    const [started] = JSON.parse(JSON.stringify(result.timeline));
    expect(started.plan.tasks).toEqual([{ id: 'a', description: 'Look it up', tools: ['search'] }]);
  });

  test.each<[string, Task, string]>([
    [
      'a name that there is not',
      task(['serch']),
      'there is no tool "serch". Did you mean "search"?',
    ],
    ['a name that is none', task(['my tool']), 'must be the name of a tool'],
    ['one tool twice', task(['search', search]), 'duplicate tool "search"'],
    ['no list', task('search' as never), 'must be a list of tools, or of their names'],
    ['no tool', task([{ name: 'x' } as never]), 'the description of "x" must tell the model'],
    [
      'tools of a function',
      task(['search'], { run: () => 1 }),
      'has no effect on a task with a run function',
    ],
    [
      'tools of a human',
      task(['search'], { waitFor: 'answer' }),
      'has no effect on a task that waits',
    ],
    [
      'tools of a group',
      { id: 'a', tools: ['search'], subtasks: [{ id: 'b', description: 'x' }] },
      'has no effect on a task that only has subtasks',
    ],
  ])('are rejected with %s', (_, wrong, message) => {
    expect(() => executorWith(callFirst, options).execute(planOf(wrong))).toThrow(PlanError);
    expect(() => executorWith(callFirst, options).execute(planOf(wrong))).toThrow(message);
  });

  test('are rejected when the runner does not support tools', () => {
    const executor = executorWith(callFirst, { tools: [search], name: 'plain' });
    expect(() => executor.execute(planOf(task(['search'])))).toThrow(
      'Task "a" (tasks[0]) lists tools, but the runner "plain" does not let its model call any',
    );
  });

  test.each([
    [[search, search], 'createExecutor(): there are two tools "search"'],
    ['search', 'createExecutor(): tools must be a list of tools'],
    [[{}], 'createExecutor(): tools: name must have letters'],
  ])('of an executor must be tools: %#', (tools, message) => {
    expect(() => executorWith(callFirst, { tools: tools as never })).toThrow(message);
  });

  test('that continue after the end of the attempt change nothing', async () => {
    const executor = executorWith(
      async ({ tools = [] }) => {
        tools[0]?.call({ query: 'x' }).catch(() => {});
        return { output: 'done' };
      },
      { supportsTools: true },
    );
    const slow = tool({
      ...search,
      execute: () => new Promise((resolve) => setTimeout(resolve, 5)),
    });
    const result = await executor.execute(planOf(task([slow])));
    expect(result.status).toBe('completed');
    const { timeline } = result;
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(timeline.at(-1)?.type).toBe('run_completed');
  });
});

describe('a server that asks to wait', () => {
  const limited = (retryAfterMs?: number, code: 'rate_limited' | 'overloaded' = 'rate_limited') =>
    new RunnerError(code, 'later', { ...(retryAfterMs !== undefined && { retryAfterMs }) });
  const batch = (count: number): Plan => ({
    goal: 'batch',
    tasks: Array.from({ length: count }, (_, index) => ({ id: `t${index}`, description: 'x' })),
  });
  const starts = (timeline: readonly RunEvent[]) =>
    timeline.flatMap((event) =>
      event.type === 'task_started' ? `${event.taskId}@${event.timestamp}` : [],
    );
  const play = (plan: Plan, error: (task: Task, attempt: number) => unknown, more: object = {}) =>
    simulate(plan, {
      strategy: inOrder,
      maxParallel: 2,
      retry: { initialDelayMs: 0 },
      attempt: (task, attempt) => {
        const thrown = error(task, attempt);
        return { durationMs: 10, ...(thrown !== undefined && { error: thrown }) };
      },
      ...more,
    });

  test.each(['rate_limited', 'overloaded'] as const)(
    'gets no requests until then, and one until it answers (%s)',
    (code) => {
      const result = play(batch(4), ({ id }, attempt) =>
        id === 't0' && attempt === 1 ? limited(100, code) : undefined,
      );
      expect(starts(result.timeline)).toEqual(['t0@0', 't1@0', 't2@110', 't3@120', 't0@120']);
      const paused = result.timeline.filter(({ type }) => type === 'resource_paused');
      expect(paused).toMatchObject([{ resource: 'simulation', pauseMs: 100, code, timestamp: 10 }]);
      expect(result.status).toBe('completed');
    },
  );

  test('gets requests when it names no time, or asks for none', () => {
    for (const retryAfterMs of [undefined, 0]) {
      const result = play(batch(4), ({ id }, attempt) =>
        id === 't0' && attempt === 1 ? limited(retryAfterMs) : undefined,
      );
      expect(starts(result.timeline)).toContain('t2@10');
      expect(result.timeline.some(({ type }) => type === 'resource_paused')).toBe(false);
    }
  });

  test('has its longest wait applied, and each longer one logged', () => {
    const waits: Record<string, number> = { t0: 50, t1: 80, t2: 20 };
    const result = play(
      batch(4),
      ({ id }, attempt) => (attempt === 1 && waits[id] ? limited(waits[id]) : undefined),
      { maxParallel: 3 },
    );
    expect(starts(result.timeline).slice(3, 4)).toEqual(['t3@90']);
    expect(result.timeline.filter(({ type }) => type === 'resource_paused')).toMatchObject([
      { pauseMs: 50 },
      { pauseMs: 80 },
    ]);
  });

  test('does not delay other servers, and chosen tasks keep their turn', () => {
    const tasks = ['a0', 'b0', 'a1', 'b1', 'a2', 'b2'].map((id) => ({ id, description: 'x' }));
    const result = play(
      { goal: 'two', tasks },
      ({ id }, attempt) => (id === 'a0' && attempt === 1 ? limited(100) : undefined),
      { resourceOf: ({ id }: Task) => id.slice(0, 1) },
    );
    expect(starts(result.timeline)).toEqual([
      'a0@0',
      'b0@0',
      'b1@10',
      'b2@10',
      'a1@110',
      'a2@120',
      'a0@120',
    ]);
  });

  test('does not delay the time at which a waiting strategy is asked again', () => {
    /** In order, but for `wait`, at which it asks to wait. */
    const waiting = (...order: readonly string[]): Strategy => ({
      name: 'waiting',
      begin() {
        const ready = new Map<string, TaskView>();
        const left = [...order];
        return {
          ready: (task) => void ready.set(task.id, task),
          next(now) {
            const first = left.shift() as string;
            return first === 'wait' ? { until: now + 5 } : ready.get(first);
          },
        };
      },
    });
    const result = play(
      { goal: 'two', tasks: ['a0', 'a1', 'a2', 'b0'].map((id) => ({ id, description: 'x' })) },
      ({ id }) => (id === 'a0' ? limited(100) : undefined),
      {
        strategy: waiting('a0', 'wait', 'wait', 'a1', 'wait', 'a2', 'wait', 'b0'),
        resourceOf: ({ id }: Task) => id.slice(0, 1),
        retry: { maxAttempts: 1 },
      },
    );
    // Asked again at 5, at 10 when a0 ends, at 15 and at 20; the tasks it chose meanwhile wait for a.
    expect(starts(result.timeline)).toEqual(['a0@0', 'b0@20', 'a1@110', 'a2@120']);
  });

  test.each<[string, (task: Task) => string, RegExp]>([
    ['one server', ({ id }) => id.slice(0, 1), /^a0$/],
    ['a server each', ({ id }) => id, /^a/],
  ])(
    'delays 30,000 tasks of %s without asking the strategy for each again',
    (_, resourceOf, refused) => {
      const tasks = ['a', 'b'].flatMap((name) =>
        Array.from({ length: 30_000 }, (_, index) => ({ id: `${name}${index}`, description: 'x' })),
      );
      const result = play(
        { goal: 'two', tasks },
        ({ id }, attempt) => (attempt === 1 && refused.test(id) ? limited(1e7) : undefined),
        { resourceOf, retry: { maxRetryAfterMs: 1e7 } },
      );
      expect(result.metrics).toMatchObject({ completedTasks: 60_000 });
      // The tasks of the other server ended long before.
      const last = result.timeline.findLast(
        (event) => event.type === 'task_completed' && event.taskId.startsWith('b'),
      );
      expect(last?.timestamp).toBeLessThan(1e6);
    },
  );

  test('that names an invalid time is retried as if it had named none', async () => {
    let requests = 0;
    const executor = executorWith(
      ({ taskId }, { attempt }) => {
        requests++;
        if (taskId === 't0' && attempt === 1) throw limited(Number.POSITIVE_INFINITY);
        return { output: 'done' };
      },
      { maxParallel: 1, retry: { initialDelayMs: 0 } },
    );
    const { status } = await executor.execute(batch(3));
    expect({ status, requests }).toEqual({ status: 'completed', requests: 4 });
  });

  test('does not delay the end of a run, and its wait ends with the run', async () => {
    const result = play(batch(2), ({ id }) => (id === 't0' ? limited(500_000) : undefined), {
      retry: { maxAttempts: 1 },
    });
    expect(result.status).toBe('failed');
    expect(result.metrics.executionTimeMs).toBe(10);
    const beforeDeadline = play(batch(3), ({ id }) => (id === 't0' ? limited(490) : undefined), {
      retry: { maxAttempts: 1 },
      deadlineMs: 500,
    });
    expect(beforeDeadline.error?.code).toBe('deadline_exceeded');
    expect(beforeDeadline.metrics.executionTimeMs).toBe(500);
  });

  test('does not delay functions, which compete for no resource', () => {
    const tasks = batch(4).tasks.map((task) => ({ ...task, run: () => 1 }));
    const result = play({ goal: 'functions', tasks }, ({ id }, attempt) =>
      id === 't0' && attempt === 1 ? limited(100) : undefined,
    );
    expect(starts(result.timeline)).toContain('t2@10');
  });

  test('is visible to the strategy, with its announced limits', () => {
    const outcomes: Outcome[] = [];
    const watching: Strategy = {
      name: 'watching',
      begin: (run) => ({
        ...inOrder.begin(run),
        settled: (_, outcome) => void outcomes.push(outcome),
      }),
    };
    const rateLimits = { requests: { limit: 60, remaining: 0, resetMs: 900 } };
    const error = new RunnerError('rate_limited', 'later', { retryAfterMs: 9, rateLimits });
    const result = play(batch(1), (_, attempt) => (attempt === 1 ? error : undefined), {
      strategy: watching,
      attempt: (_: Task, attempt: number) =>
        attempt === 1 ? { durationMs: 1, error } : { durationMs: 1, rateLimits },
    });
    expect(outcomes).toMatchObject([
      { ok: false, errorCode: 'rate_limited', retryAfterMs: 9, rateLimits },
      { ok: true, rateLimits },
    ]);
    expect(result.timeline.at(-2)).toMatchObject({ type: 'task_completed', rateLimits });
  });
});

test.each<[string, (task: Task) => string]>([
  ['depends on the task', ({ id }) => `server/${id}`],
  [
    'throws',
    () => {
      throw new Error('no idea');
    },
  ],
  ['gives no name', () => undefined as never],
])('a resource that %s does not stop a run', async (_, resource) => {
  const seen: string[] = [];
  const watching: Strategy = {
    name: 'watching',
    begin(run) {
      const scheduler = inOrder.begin(run);
      return {
        ...scheduler,
        ready(task) {
          seen.push(task.resource);
          scheduler.ready(task);
        },
      };
    },
  };
  const executor = executorWith(() => ({ output: 1 }), { resource, strategy: watching });
  const plan = createPlan('x').addTask({ id: 'a', description: 'x' });
  expect((await executor.execute(plan)).status).toBe('completed');
  expect(seen).toEqual([_ === 'depends on the task' ? 'server/a' : 'test']);
});

describe('a runner that retries within an attempt', () => {
  const options: RunOptions = { retry: { maxAttempts: 4, initialDelayMs: 0 } };

  test('knows how many tries are left, and all its tries count', async () => {
    const seen: [attempt: number, left: number][] = [];
    const executor = executorWith((_, { attempt, attemptsLeft }) => {
      seen.push([attempt, attemptsLeft]);
      throw new RunnerError('server_error', 'no', { tries: 2 });
    });
    const result = await executor.execute(
      createPlan('x').addTask({ id: 'a', description: 'x' }),
      options,
    );
    expect(seen).toEqual([
      [1, 4],
      [3, 2],
    ]);
    expect(result.tasks[0]).toMatchObject({ attempts: 4, error: { tries: 2 } });
  });

  test('does not end a task early by invalid counts', async () => {
    const seen: number[] = [];
    const counts = [0, -1, 1.5, Number.NaN];
    const executor = executorWith((_, { attempt }) => {
      seen.push(attempt);
      throw new RunnerError('server_error', 'no', { tries: counts[attempt - 1] as number });
    });
    await executor.execute(createPlan('x').addTask({ id: 'a', description: 'x' }), options);
    expect(seen).toEqual([1, 2, 3, 4]);
  });
});

describe('a runner that emits faster than its events are read', () => {
  /** Emits until it is told to wait, and says how much that was. */
  function flooding(): { readonly runner: TaskRunner; readonly emitted: () => number } {
    let emitted = 0;
    const runner: TaskRunner = {
      name: 'flood',
      async run(_, { emit }) {
        for (let piece = 0; piece < 5_000; piece++) {
          emitted++;
          await emit('x');
        }
        return { output: 'done' };
      },
    };
    return { runner, emitted: () => emitted };
  }
  const plan = createPlan('x').addTask({ id: 'a', description: 'x' });
  /** Until it has been still for some turns of the event loop, in each of which it could go on. */
  const still = async (emitted: () => number) => {
    for (let turns = 0, before = -1; turns < 5; ) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      turns = emitted() === before ? turns + 1 : 0;
      before = emitted();
    }
  };

  test('waits while its output is being written, so that others get a turn', async () => {
    let emitted = 0;
    const flood = 100_000;
    const runner: TaskRunner = {
      name: 'flood',
      async run(_, { emit, signal }) {
        for (; emitted < flood && !signal.aborted; emitted++) {
          if (emitted === 50) setTimeout(() => run.cancel());
          await emit('x');
        }
        return { output: 'done' };
      },
    };
    const executor = createExecutor({ strategy: inOrder, runner, journal: memoryJournal() });
    const run = executor.execute(plan);
    expect((await run).status).toBe('canceled');
    expect(emitted).toBeGreaterThan(50);
    expect(emitted).toBeLessThan(flood);
  });

  test('waits for a reader, and continues as it reads', async () => {
    const { runner, emitted } = flooding();
    const run = createExecutor({ strategy: inOrder, runner, timeline: 'stream' }).execute(plan);
    const reader = run[Symbol.asyncIterator]();
    await reader.next();
    await still(emitted);
    expect(emitted()).toBeGreaterThan(900);
    expect(emitted()).toBeLessThan(1_100);
    for (let read = 0; read < 700; read++) await reader.next();
    await still(emitted);
    expect(emitted()).toBeGreaterThan(1_600);
    expect(emitted()).toBeLessThan(1_900);
    for (;;) if ((await reader.next()).done) break;
    expect((await run).status).toBe('completed');
    expect(emitted()).toBe(5_000);
  });

  test.each<[string, 'keep' | 'stream', (reader: AsyncIterator<RunEvent>) => Promise<unknown>]>([
    ['a reader that leaves', 'stream', async (reader) => reader.return?.()],
    ['a log that is kept anyway', 'keep', async () => {}],
  ])('does not wait for %s', async (_, timeline, act) => {
    const { runner, emitted } = flooding();
    const run = createExecutor({ strategy: inOrder, runner, timeline }).execute(plan);
    const reader = run[Symbol.asyncIterator]();
    await reader.next();
    await still(emitted);
    await act(reader);
    expect((await run).status).toBe('completed');
  });

  test('does not wait for a reader that never started', async () => {
    const { runner } = flooding();
    const run = createExecutor({ strategy: inOrder, runner, timeline: 'stream' }).execute(plan);
    run[Symbol.asyncIterator]();
    expect((await run).status).toBe('completed');
  });

  test('is released when the run ends', async () => {
    const { runner, emitted } = flooding();
    const run = createExecutor({ strategy: inOrder, runner, timeline: 'stream' }).execute(plan);
    const reader = run[Symbol.asyncIterator]();
    await reader.next();
    await still(emitted);
    run.cancel();
    expect((await run).status).toBe('canceled');
  });
});

test.each([[1], [null], [{ kind: 'word', text: 'x' }], [{ kind: 'text' }]])(
  'emit() rejects %j',
  async (part) => {
    const executor = executorWith((_, { emit }) => {
      emit(part as never);
      return { output: '' };
    });
    const result = await executor.execute(createPlan('x').addTask({ id: 'a', description: 'x' }));
    expect(result.tasks[0]?.error?.message).toContain('emit() takes a piece of text, or a part');
  },
);
