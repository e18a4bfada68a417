import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { each, even, listOf, succeeded } from '../../test/fan-outs.js';
import {
  deferred,
  eventsOf,
  execute,
  messagesOf,
  no,
  planOf,
  runnerOf,
  taskOf,
} from '../../test/runs.js';
import { createPlan, type ItemResult, isStratagemError, type Task } from '../index.js';

describe('the items of a fan-out', () => {
  test.each([
    ['gather.documents', ['a', 'b']],
    ['gather.more["odd key"][1]', [3]],
    ['gather.documents[0]', undefined],
    ['gather.nothing', undefined],
    ['gather.constructor', undefined],
  ])('at %s', async (items, expected) => {
    const gather = { documents: ['a', 'b'], more: { 'odd key': [[1, 2], [3]] } };
    const fanOut: Task = {
      id: 'each',
      dependencies: ['gather'],
      forEach: items,
      run: ({ item }) => item,
    };
    const plan = planOf({ id: 'gather', run: () => gather }, fanOut);
    const result = await execute(plan);
    if (expected !== undefined) expect(succeeded(result.outputs.each)).toEqual(expected);
    else expect(taskOf(result, 'each')).toMatchObject({ status: 'failed', attempts: 0 });
  });

  test.each(['gathr.documents', 'gather..documents', 'gather[x]', '', 'item'])(
    'cannot be read at %j',
    (items) => {
      const tasks: Task[] = [
        { id: 'gather', run: () => [] },
        { id: 'each', dependencies: ['gather'], forEach: items, run: () => 1 },
      ];
      expect(messagesOf(() => execute(planOf(...tasks)))).toEqual([
        expect.stringContaining(`"${items}" is not an input of this task.`),
      ]);
    },
  );

  test('may be under an id with dots and brackets', async () => {
    const result = await execute(
      planOf(
        { id: 'v1.2', run: () => [9] },
        { id: 'v1', run: () => ({ 2: [1, 2, 3] }) },
        { id: 'a', dependencies: ['v1', 'v1.2'], forEach: 'v1.2', run: ({ item }) => item },
        { id: 'b', dependencies: ['v1'], forEach: 'v1.2', run: ({ item }) => item },
      ),
    );
    expect(succeeded(result.outputs.a)).toEqual([9]);
    expect(succeeded(result.outputs.b)).toEqual([1, 2, 3]);
  });

  test('may be made by a function of all dependencies, or of none', async () => {
    const plan = createPlan('x')
      .addTask({ id: 'a', run: () => [1, 2] })
      .addTask({ id: 'b', run: () => [3] })
      .addTask({
        id: 'both',
        dependencies: ['a', 'b'],
        forEach: ({ a, b }) => [...a, ...b],
        run: ({ item, index, a }) => item * 10 + index + a.length,
      })
      .addTask({ id: 'none', forEach: () => ['x'], run: ({ item }) => item });
    const { outputs } = await execute(plan);
    expect(succeeded(outputs.both)).toEqual([12, 23, 34]);
    expect(succeeded(outputs.none)).toEqual(['x']);
  });

  test.each([
    ['throws', no, 'no'],
    ['returns no list', () => 'abc' as never, 'must return a list; it returned the string "abc"'],
    ['returns an iterable', () => new Set([1]) as never, 'must return a list'],
    ['is asynchronous', async () => [1], 'must return a list; it returned a promise'],
    ['rejects', async () => no(), 'must return a list; it returned a promise'],
  ] as const)('fails the fan-out when its function %s', async (_, items, message) => {
    const forEach = items as Task['forEach'];
    const result = await execute(planOf({ id: 'each', forEach, run: () => 1 }));
    expect(taskOf(result, 'each')).toMatchObject({ status: 'failed', attempts: 0 });
    expect(taskOf(result, 'each').error?.message).toContain(message);
  });

  test('is copied when the fan-out starts, including holes', async () => {
    const items = [1, undefined, null];
    items[4] = 5;
    const plan = planOf(
      listOf(items),
      each({
        run({ item, list }) {
          expect(() => list.push('more')).toThrow(TypeError);
          return item;
        },
      }),
    );
    const { outputs } = await execute(plan);
    expect(succeeded(outputs.each)).toEqual([1, undefined, null, undefined, 5]);
  });

  test.each([
    [1_000, undefined, 'completed'],
    [1_001, undefined, 'failed'],
    [1_001, 1_001, 'completed'],
    [2, 1, 'failed'],
    [0, 1, 'completed'],
  ] as const)('of %i elements with maxItems %s: %s', async (length, maxItems, status) => {
    const items = Array.from({ length }, (_, n) => n);
    const result = await execute(
      planOf(listOf(items), each({ forEach: { items: 'list', maxItems } as Task['forEach'] })),
    );
    expect(result.status).toBe(status);
    expect(result.tasks).toHaveLength(2 + (status === 'completed' ? length : 0));
  });
});

describe('the elements of a fan-out', () => {
  test('have their own ids, parents and levels, and are logged', async () => {
    const result = await execute(
      planOf(listOf(['a', 'b']), each(), { id: 'after', dependencies: ['each'], run: () => 1 }),
    );
    expect(result.tasks.map(({ id, parentId, level }) => [id, parentId, level])).toEqual([
      ['list', undefined, 0],
      ['each', undefined, 1],
      ['after', undefined, 2],
      ['each[0]', 'each', 1],
      ['each[1]', 'each', 1],
    ]);
    const [added] = eventsOf(result, 'tasks_added');
    expect(added).toMatchObject({ taskId: 'each', source: 'for_each' });
    expect(added?.tasks.map(({ id }) => id)).toEqual(['each[0]', 'each[1]']);
    expect(taskOf(result, 'each')).toMatchObject({ status: 'completed', attempts: 0 });
    expect(result.outputs).toHaveProperty(['each[1]'], 'b');
  });

  test('are in order even if they end in another order', async () => {
    const gates = [deferred(), deferred(), deferred()];
    const plan = planOf(
      listOf([0, 1, 2]),
      each({
        async run({ item }) {
          await gates[item]?.promise;
          gates[item - 1]?.resolve();
          return `done ${item}`;
        },
      }),
    );
    const run = execute(plan);
    gates[2]?.resolve();
    expect(succeeded((await run).outputs.each)).toEqual(['done 0', 'done 1', 'done 2']);
  });

  test('respect the cap', async () => {
    let running = 0;
    let peak = 0;
    const plan = planOf(
      listOf(Array.from({ length: 20 }, (_, n) => n)),
      each({
        async run() {
          peak = Math.max(peak, ++running);
          await Promise.resolve();
          running--;
        },
      }),
    );
    await execute(plan, { maxParallel: 3 });
    expect(peak).toBe(3);
  });

  test('are validated and retried separately', async () => {
    const plan = createPlan('x')
      .addTask({ id: 'list', run: () => [1, 2, 3] })
      .addTask({
        id: 'each',
        dependencies: ['list'],
        forEach: { items: ({ list }) => list, minSuccess: '60%' },
        run: ({ item }, { attempt }) => (item === 1 && attempt === 1 ? 'late' : `${item}`),
        outputSchema: z
          .string()
          .regex(/^[12]$/)
          .transform(Number),
        retry: { maxAttempts: 2, initialDelayMs: 0, on: ['invalid_output'] },
      });
    const result = await execute(plan);
    expect(succeeded(result.outputs.each)).toEqual([1, 2, 'X']);
    expect(result.tasks.slice(2).map(({ attempts }) => attempts)).toEqual([2, 1, 2]);
    expect(taskOf(result, 'each[2]').error).toMatchObject({ code: 'invalid_output' });
  });

  test('may be human steps', async () => {
    const run = execute(
      planOf(
        listOf(['a', 'b']),
        each({
          description: 'Take {{item}}?',
          waitFor: 'approval',
          run: undefined,
          forEach: { items: 'list', minSuccess: 1 },
        } as Partial<Task>),
      ),
      {
        onEvent(event) {
          if (event.type !== 'task_waiting') return;
          if (event.question === 'Take a?') run.approve(event.taskId);
          else run.reject(event.taskId, 'not this one');
        },
      },
    );
    const { outputs, status } = await run;
    expect(status).toBe('completed');
    expect(outputs.each).toMatchObject([
      { id: 'each[0]', status: 'completed', output: true },
      { id: 'each[1]', status: 'failed', error: { code: 'rejected' } },
    ]);
  });

  test('may be dependencies of added tasks', async () => {
    const plan = planOf(
      listOf([1, 2]),
      each({
        forEach: { items: 'list', minSuccess: 0 },
        run({ item }, { addTasks }) {
          if (item === 2) {
            addTasks([
              { id: 'of 1', dependencies: ['each[0]'], run: (inputs) => inputs },
              { id: 'of 2', dependencies: ['each[1]'], run: (inputs) => inputs },
            ]);
          }
          return item;
        },
      }),
    );
    const { outputs } = await execute(plan);
    expect(outputs).toMatchObject({ 'of 1': { 'each[0]': 1 }, 'of 2': { 'each[1]': 2 } });
  });
});

describe('minSuccess', () => {
  const odds = (count: number, minSuccess: unknown) =>
    execute(
      planOf(
        listOf(Array.from({ length: count }, (_, n) => n)),
        each({ forEach: { items: 'list', minSuccess } as Task['forEach'], run: even }),
      ),
    );

  test.each([
    [10, '50%', 'completed'],
    [10, '50.1%', 'failed'],
    [3, '66%', 'completed'],
    [3, '67%', 'failed'],
    [10, 5, 'completed'],
    [10, 6, 'failed'],
    [1, '100%', 'completed'],
    [2, '100%', 'failed'],
    [2, undefined, 'failed'],
    [0, '100%', 'completed'],
    [0, 0, 'completed'],
    [0, 1, 'failed'],
    [1, 2, 'failed'],
    [7, '0%', 'completed'],
  ])('of %i elements, half of them even, with %s: %s', async (count, minSuccess, status) => {
    const result = await odds(count, minSuccess);
    expect(result.status).toBe(status);
    const results = result.outputs.each as ItemResult[] | undefined;
    if (status === 'completed') expect(results).toHaveLength(count);
    else expect(result.error).toMatchObject({ code: 'run_failed' });
  });

  test('rounds percentages correctly that binary fractions cannot represent', async () => {
    // 0.07 * 100 is slightly more than 7.
    const plan = planOf(
      listOf(Array.from({ length: 100 }, (_, n) => n)),
      each({
        forEach: { items: 'list', minSuccess: '7%' },
        run: ({ item }) => (item < 7 ? item : no()),
      }),
    );
    expect((await execute(plan)).status).toBe('completed');
  });

  test('that is missed reports the number of successes and the first error', async () => {
    const result = await odds(4, '75%');
    const { error } = taskOf(result, 'each');
    expect(error).toMatchObject({ code: 'subtasks_failed', taskId: 'each' });
    expect(error?.message).toBe(
      'Task "each" failed: 2 of 4 items succeeded, and 3 must (minSuccess). Task "each[1]" failed: 1 is odd',
    );
    expect(result.error?.message).toContain('each');
    expect(isStratagemError(error?.cause)).toBe(true);
  });

  test('passes the results of all elements to an aggregate, also in its prompt', async () => {
    const { runner, requests } = runnerOf();
    const plan = planOf(
      listOf([1, 2]),
      each({ forEach: { items: 'list', minSuccess: 1 }, run: even }),
      {
        id: 'sum',
        type: 'aggregate',
        dependencies: ['each'],
        description: '{{each[0].status}}, {{each[1].status}}: {{each[1].output}}; {{each}}',
      },
    );
    const { status } = await execute(plan, { runner });
    expect(status).toBe('completed');
    const prompt = requests.get('sum')?.prompt;
    expect(prompt).toMatch(/^failed, completed: 2; \[/);
    expect(prompt).toContain('1 is odd');
    expect(prompt).not.toContain('at even');
  });
});
