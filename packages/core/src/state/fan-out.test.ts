import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import {
  deferred,
  eventsOf,
  execute,
  inOrder,
  messagesOf,
  no,
  planOf,
  runnerOf,
  statuses,
  taskOf,
} from '../../test/runs.js';
import {
  createExecutor,
  createPlan,
  type ItemResult,
  isStratagemError,
  type RunHandle,
  RunnerError,
  type Task,
} from '../index.js';

const listOf = (items: unknown): Task => ({ id: 'list', run: () => items });

/** A fan-out over the output of `list`. */
const each = (more: Partial<Task> = {}): Task => ({
  id: 'each',
  dependencies: ['list'],
  forEach: 'list',
  ...(more.subtasks === undefined && { run: ({ item }) => item }),
  ...more,
});

/** The body of an element's task that fails for odd numbers. */
function even({ item }: { item: number }): number {
  if (item % 2 === 1) throw new Error(`${item} is odd`);
  return item;
}

/** The outputs of the elements that completed. */
function succeeded(results: unknown): unknown[] {
  return (results as ItemResult[]).map((each) => (each.status === 'completed' ? each.output : 'X'));
}

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

describe('a fan-out with subtasks', () => {
  test('runs them for each element in the order of their dependencies', async () => {
    const plan = planOf(
      { id: 'style', run: () => 'brief' },
      listOf(['a', 'b']),
      each({
        dependencies: ['list', 'style'],
        subtasks: [
          { id: 'check', dependencies: ['read', 'style'], run: (inputs) => ({ ...inputs }) },
          { id: 'read', run: ({ item }) => item.toUpperCase() },
        ],
      }),
      { id: 'after', dependencies: ['each'], run: ({ each }) => succeeded(each) },
    );
    const { outputs, tasks } = await execute(plan);
    const check = { read: 'B', style: 'brief', item: 'b', index: 1 };
    expect(outputs['each[1].check']).toEqual(check);
    expect((outputs.after as unknown[])[1]).toEqual({ read: 'B', check });
    expect(tasks.map(({ id, parentId }) => [id, parentId]).slice(4)).toEqual([
      ['each[0]', 'each'],
      ['each[0].check', 'each[0]'],
      ['each[0].read', 'each[0]'],
      ['each[1]', 'each'],
      ['each[1].check', 'each[1]'],
      ['each[1].read', 'each[1]'],
    ]);
  });

  test('has a failed element when a subtask fails, and keeps the others', async () => {
    const plan = planOf(
      listOf([1, 2]),
      each({
        forEach: { items: 'list', minSuccess: 1 },
        subtasks: [
          { id: 'first', run: even },
          { id: 'second', dependencies: ['first'], run: ({ first }) => first * 10 },
        ],
      }),
    );
    const result = await execute(plan, { failFast: true });
    expect(result.status).toBe('completed');
    expect(statuses(result)).toMatchObject({
      'each[0]': 'failed',
      'each[0].first': 'failed',
      'each[0].second': 'skipped',
      'each[1]': 'completed',
    });
    expect(succeeded(result.outputs.each)).toEqual(['X', { first: 2, second: 20 }]);
  });

  test('may run itself, with their outputs and the item', async () => {
    const { runner, requests } = runnerOf();
    const subtasks = [{ id: 'read', run: ({ item }: { item: string }) => item.length }];
    const plan = planOf(
      listOf(['abc']),
      each({ id: 'f', subtasks, run: ({ read, item, index }) => [read, item, index] }),
      each({
        id: 'p',
        type: 'aggregate',
        subtasks: [{ id: 'look', run: () => 'seen' }],
        description: '{{item}} {{index}} {{look}} {{list[0]}}',
      }),
    );
    const { outputs } = await execute(plan, { runner });
    expect(succeeded(outputs.f)).toEqual([[3, 'abc', 0]]);
    expect(requests.get('p[0]')?.prompt).toBe('abc 0 seen abc');
  });

  test('has conditions on the item', async () => {
    const plan = planOf(
      listOf([{ n: 1 }, { n: 2 }]),
      each({
        subtasks: [
          { id: 'big', when: { path: 'item.n', operator: '>', value: 1 }, run: () => 'big' },
          { id: 'first', when: ({ index }) => index === 0, run: () => 'first' },
          { id: 'join', dependencies: ['big', 'first'], run: (inputs) => ({ ...inputs }) },
        ],
      }),
    );
    const { outputs, status } = await execute(plan);
    expect(status).toBe('completed');
    expect(outputs['each[0].join']).toEqual({ first: 'first', item: { n: 1 }, index: 0 });
    expect(outputs['each[1].join']).toEqual({ big: 'big', item: { n: 2 }, index: 1 });
  });

  test('contains groups, whose members keep their local ids', async () => {
    const plan = planOf(
      listOf([5]),
      each({
        subtasks: [
          {
            id: 'group',
            subtasks: [
              { id: 'deep', run: ({ item }) => item + 1 },
              { id: 'deeper', dependencies: ['deep'], run: ({ deep }) => deep + 1 },
            ],
          },
          { id: 'end', dependencies: ['group', 'deep'], run: ({ group, deep }) => [group, deep] },
        ],
      }),
    );
    const { outputs } = await execute(plan);
    expect(outputs['each[0].end']).toEqual([{ deep: 6, deeper: 7 }, 6]);
  });

  test('may occur twice with the same local ids', async () => {
    const subtasks = [{ id: 'read', run: ({ item }: { item: number }) => item }];
    const { outputs, status } = await execute(
      planOf(
        listOf([1]),
        each({ id: 'a', subtasks }),
        each({ id: 'b', subtasks, forEach: ({ list }) => [list[0] + 1] }),
      ),
    );
    expect(status).toBe('completed');
    expect(outputs).toMatchObject({ 'a[0].read': 1, 'b[0].read': 2 });
  });

  test('whose subtasks need a runner needs one before anything starts', () => {
    const plan = planOf(listOf([1]), each({ subtasks: [{ id: 'read', description: 'Read' }] }));
    const executor = createExecutor({ strategy: inOrder });
    expect(() => executor.execute(plan)).toThrow(/Task "read" has no run function/);
  });
});

describe('a fan-out in a fan-out', () => {
  const nested = (more: Partial<Task> = {}, items: unknown = [[1, 2], [], [3]]) =>
    planOf(
      listOf(items),
      each({
        subtasks: [
          { id: 'double', run: ({ item }) => item.map((n: number) => n * 2) },
          {
            id: 'inner',
            dependencies: ['double'],
            forEach: 'double',
            run: ({ item, index, double }) => [item, index, double.length],
            ...more,
          },
          { id: 'sum', dependencies: ['inner'], run: ({ inner }) => inner.length },
        ],
      }),
    );

  test('iterates over the output of a sibling', async () => {
    const { outputs, status } = await execute(nested());
    expect(status).toBe('completed');
    expect(outputs['each[0].inner[1]']).toEqual([4, 1, 2]);
    expect(succeeded(outputs['each[2].inner'])).toEqual([[6, 0, 1]]);
    expect(
      succeeded(outputs.each).map((output) => (output as Record<string, unknown>).sum),
    ).toEqual([2, 0, 1]);
  });

  test('applies minSuccess to its own elements, the outer one to the rest', async () => {
    const result = await execute(
      nested(
        {
          forEach: { items: 'double', minSuccess: 1 },
          run: ({ item }) => (item > 2 ? no() : item),
        },
        [[1, 2], [1]],
      ),
      { failFast: true },
    );
    expect(result.status).toBe('completed');
    expect(statuses(result)).toMatchObject({
      'each[0].inner[1]': 'failed',
      'each[0].inner': 'completed',
      'each[0]': 'completed',
    });
    const failed = await execute(nested({ run: no }, [[1], [1]]));
    expect(failed.status).toBe('failed');
    expect(failed.error?.message).toContain('0 of 2 items succeeded');
    expect(statuses(failed)).toMatchObject({
      'each[0].inner': 'failed',
      'each[0].sum': 'skipped',
      each: 'failed',
    });
  });

  test('three deep, with subtasks at the bottom', async () => {
    const plan = planOf(
      listOf([[[1], [2, 3]]]),
      each({
        subtasks: [
          {
            id: 'b',
            forEach: 'item',
            subtasks: [
              {
                id: 'c',
                forEach: 'item',
                subtasks: [
                  { id: 'x', run: ({ item }) => item },
                  { id: 'y', dependencies: ['x', 'list'], run: ({ x, list }) => [x, list.length] },
                ],
              },
            ],
          },
        ],
      }),
    );
    const { outputs, status } = await execute(plan);
    expect(status).toBe('completed');
    expect(outputs['each[0].b[1].c[1].y']).toEqual([3, 1]);
  });
});

describe('addTasks', () => {
  test('on the handle works before the first event, while paused, and from a listener', async () => {
    const run: RunHandle = execute(planOf({ id: 'a', run: () => 1 }), {
      onEvent(event) {
        if (event.type === 'run_paused') {
          run.addTasks([{ id: 'paused', dependencies: ['early'], run: ({ early }) => early + 1 }]);
          run.resume();
        }
        if (event.type === 'task_completed' && event.taskId === 'a') {
          run.addTasks([{ id: 'heard', dependencies: ['a'], run: ({ a }) => a }]);
        }
      },
    });
    run.addTasks([{ id: 'early', dependencies: ['a'], run: ({ a }) => a + 1 }]);
    run.pause();
    const result = await run;
    expect(result.status).toBe('completed');
    expect(result.outputs).toEqual({ a: 1, early: 2, paused: 3, heard: 1 });
    expect(eventsOf(result, 'tasks_added').every(({ taskId }) => taskId === undefined)).toBe(true);
  });

  test('from a listener of the last event of a task keeps the run under way', async () => {
    const run: RunHandle = execute(planOf({ id: 'last', run: () => 1 }), {
      onEvent(event) {
        if (event.type === 'task_completed' && event.taskId === 'last') {
          run.addTasks([{ id: 'more', run: () => 2 }]);
        }
      },
    });
    expect((await run).outputs).toEqual({ last: 1, more: 2 });
  });

  test('from a listener of the last failure, of a skip, and of an element', async () => {
    const more = (id: string): Task => ({ id, run: () => 1 });
    const run: RunHandle = execute(
      planOf({ id: 'a', run: no }, { id: 'b', dependencies: ['a'], run: no }, listOf([1]), each()),
      {
        onEvent(event) {
          if (event.type === 'task_failed') run.addTasks([more('failure')]);
          if (event.type === 'task_skipped') run.addTasks([more('skip')]);
          if (event.type === 'task_completed' && event.taskId === 'each') {
            run.addTasks([more('element')]);
          }
        },
      },
    );
    expect((await run).outputs).toMatchObject({ failure: 1, skip: 1, element: 1 });
  });

  test('rejects after the end of the run or of the attempt', async () => {
    const late = deferred<(tasks: Task[]) => void>();
    const gate = deferred();
    const more: Task[] = [{ id: 'more', run: () => 1 }];
    const run = execute(
      planOf(
        { id: 'a', run: (_, { addTasks }) => late.resolve(addTasks) },
        { id: 'b', dependencies: ['a'], run: () => gate.promise },
      ),
    );
    const addTasks = await late.promise;
    await Promise.resolve();
    expect(() => addTasks(more)).toThrow(expect.objectContaining({ code: 'run_ended' }));
    run.addTasks(more);
    gate.resolve();
    expect((await run).tasks).toHaveLength(3);
    expect(() => run.addTasks([{ id: 'late', run: () => 1 }])).toThrow(
      expect.objectContaining({ code: 'run_ended' }),
    );
  });

  test('rejects after a cancellation, in the same turn', async () => {
    const run = execute(planOf({ id: 'a', run: () => 1 }));
    run.cancel();
    expect(() => run.addTasks([{ id: 'b', run: () => 1 }])).toThrow(
      expect.objectContaining({ code: 'run_ended' }),
    );
    expect((await run).tasks).toHaveLength(1);
  });

  test('of an empty list does nothing', async () => {
    const run = execute(planOf({ id: 'a', run: (_, { addTasks }) => addTasks([]) }));
    run.addTasks([]);
    expect(eventsOf(await run, 'tasks_added')).toEqual([]);
  });

  test('accepts dependencies on every kind of task', async () => {
    const gate = deferred();
    const dependent = (id: string, on: string): Task => ({
      id: `after ${id}`,
      dependencies: [on],
      run: (inputs) => ({ ...inputs }),
    });
    const plan = planOf(
      { id: 'running', run: () => gate.promise.then(() => 'ran') },
      { id: 'done', run: () => 'did' },
      { id: 'failed', run: no },
      { id: 'skipped', dependencies: ['failed'], run: () => 1 },
      { id: 'not chosen', when: () => false, run: () => 1 },
      { id: 'group', subtasks: [{ id: 'member', run: () => 'm' }] },
      listOf([1]),
      each(),
      { id: 'pending', dependencies: ['running'], run: () => 'p' },
      {
        id: 'adding',
        dependencies: ['done', 'group', 'each'],
        run(_, { addTasks }) {
          const others = [
            'running',
            'done',
            'failed',
            'skipped',
            'not chosen',
            'group',
            'member',
            'each[0]',
            'pending',
            'adding',
          ];
          addTasks(others.map((id) => dependent(id, id)));
          addTasks([
            {
              id: 'join',
              dependencies: ['not chosen', 'done'],
              run: (inputs) => ({ ...inputs }),
            },
          ]);
          gate.resolve();
          return 'added';
        },
      },
    );
    const result = await execute(plan);
    expect(result.outputs).toMatchObject({
      'after running': { running: 'ran' },
      'after done': { done: 'did' },
      'after group': { group: { member: 'm' } },
      'after member': { member: 'm' },
      'after each[0]': { 'each[0]': 1 },
      'after pending': { pending: 'p' },
      'after adding': { adding: 'added' },
      join: { done: 'did' },
    });
    expect(taskOf(result, 'after failed')).toMatchObject({
      reason: 'dependency_failed',
      failedTaskId: 'failed',
    });
    expect(taskOf(result, 'after skipped')).toMatchObject({
      reason: 'dependency_failed',
      failedTaskId: 'failed',
    });
    expect(taskOf(result, 'after not chosen')).toMatchObject({ reason: 'condition_false' });
  });

  test('accepts groups, fan-outs, conditions and human steps', async () => {
    const run: RunHandle = execute(
      planOf({
        id: 'a',
        run(_, { addTasks }) {
          addTasks([
            {
              id: 'group',
              dependencies: ['a'],
              subtasks: [
                { id: 'in', run: () => 2 },
                { id: 'out', dependencies: ['in'], run: ({ in: n }) => n * 2 },
              ],
            },
            { id: 'fan', dependencies: ['a'], forEach: 'a', run: ({ item }) => -item },
            { id: 'never', dependencies: ['a'], when: () => false, run: no },
            { id: 'ok', description: 'Ok?', dependencies: ['fan'], waitFor: 'approval' },
          ]);
          return [1, 2];
        },
      }),
      { onEvent: (event) => void (event.type === 'task_waiting' && run.approve(event.taskId)) },
    );
    const { outputs, status } = await run;
    expect(status).toBe('completed');
    expect(outputs).toMatchObject({ group: { in: 2, out: 4 }, 'fan[1]': -2, ok: true });
  });

  test('accepts fan-outs with the same local ids in successive calls', async () => {
    const fanOut = (id: string): Task => ({
      id,
      forEach: () => [1],
      subtasks: [{ id: 'read', run: () => id }],
    });
    const { outputs, status } = await execute(
      planOf({
        id: 'a',
        run(_, { addTasks }) {
          addTasks([fanOut('b')]);
          addTasks([fanOut('c')]);
        },
      }),
    );
    expect(status).toBe('completed');
    expect(outputs).toMatchObject({ 'b[0].read': 'b', 'c[0].read': 'c' });
  });

  test('rejects ids that exist, are pending, or will belong to elements', async () => {
    const refused: string[][] = [];
    const attempt = (run: (tasks: Task[]) => void, id: string) => {
      refused.push(messagesOf(() => run([{ id, run: () => 1 }])));
    };
    const result = await execute(
      planOf(
        listOf([1]),
        {
          id: 'a',
          run(_, { addTasks }) {
            addTasks([{ id: 'g', subtasks: [{ id: 'h', run: () => 1 }] }]);
            for (const id of ['a', 'list', 'g', 'h', 'each[0]', 'each[7].x']) attempt(addTasks, id);
          },
        },
        each(),
      ),
    );
    const taken = (id: string) =>
      `the id "${id}" is already used by another task; ids must be unique`;
    const reserved = 'ids such as "each[0]" are reserved for the items of the fan-out "each"';
    expect(refused).toEqual([
      ...['a', 'list', 'g', 'h'].map((id) => [taken(id)]),
      [reserved],
      [reserved],
    ]);
    expect(result.status).toBe('completed');
    expect(result.tasks.map(({ id }) => id)).toEqual(['list', 'a', 'each', 'each[0]', 'g', 'h']);
  });

  test('accepts a valid task with an id that it rejected before', async () => {
    const { outputs } = await execute(
      planOf({
        id: 'a',
        run(_, { addTasks }) {
          const broken: Task = { id: 'b', dependencies: ['nothing'], run: () => 1 };
          expect(() => addTasks([broken])).toThrow(/there is no task "nothing"/);
          addTasks([{ id: 'b', run: () => 2 }]);
          expect(() => addTasks([{ id: 'b', run: () => 3 }])).toThrow(/already used/);
        },
      }),
    );
    expect(outputs.b).toBe(2);
  });

  test('checks added tasks like a plan: shape, cycles, references, depth, runner', async () => {
    const bad: [Task[], RegExp][] = [
      [[{ id: '' } as Task], /non-empty string/],
      [[null as unknown as Task], /a task is an object/],
      [[{ id: 'b', run: () => 1, when: 'yes' as never }], /must be a condition/],
      [
        [
          { id: 'b', dependencies: ['c'], run: () => 1 },
          { id: 'c', dependencies: ['b'], run: () => 1 },
        ],
        /dependency cycle: b → c → b/,
      ],
      [[{ id: 'b', description: '{{a}}' }], /Add|is not an input/],
      [
        [
          { id: 'b', run: () => 1 },
          { id: 'b', run: () => 1 },
        ],
        /already used/,
      ],
      [
        [{ id: 'b', subtasks: [{ id: 'c', subtasks: [{ id: 'd', run: () => 1 }] }] }],
        /deeper than maxDepth, which is 2/,
      ],
      [[{ id: 'b', description: 'x' }], /has no run function/],
      [
        [{ id: 'b', forEach: () => [1], subtasks: [{ id: 'c', description: 'x' }] }],
        /"c" has no run function/,
      ],
    ];
    const seen: string[] = [];
    const run = createExecutor({ strategy: inOrder, maxDepth: 2 }).execute(
      planOf({
        id: 'a',
        run(_, { addTasks }) {
          for (const [tasks] of bad) {
            try {
              addTasks(tasks);
              seen.push('taken');
            } catch (error) {
              seen.push((error as Error).message);
            }
          }
        },
      }),
    );
    expect((await run).tasks).toHaveLength(1);
    for (const [position, [, message]] of bad.entries()) expect(seen[position]).toMatch(message);
  });

  test('makes the attempt fail that does not catch its error', async () => {
    const result = await execute(
      planOf({ id: 'a', run: (_, { addTasks }) => addTasks([{ id: 'a', run: () => 1 }]) }),
    );
    expect(taskOf(result, 'a').error).toMatchObject({ code: 'task_failed' });
    expect(taskOf(result, 'a').error?.message).toContain('already used by another task');
  });

  test('copies the tasks: the caller may reuse the list', async () => {
    const tasks: Task[] = [{ id: 'b', run: () => 1 }];
    const subtasks: Task[] = [{ id: 'd', run: () => 1 }];
    const result = await execute(
      planOf({
        id: 'a',
        run(_, { addTasks }) {
          addTasks(tasks);
          tasks.push({ id: 'c', run: () => 1 });
          addTasks([{ id: 'g', subtasks }]);
          subtasks.push({ id: 'e', run: () => 1 });
        },
      }),
    );
    expect(result.tasks.map(({ id }) => id)).toEqual(['a', 'b', 'g', 'd']);
  });

  test('counts for each attempt, also for one that fails and is retried', async () => {
    const result = await execute(
      planOf({
        id: 'a',
        retry: { initialDelayMs: 0 },
        run(_, { attempt, addTasks }) {
          addTasks([{ id: `of attempt ${attempt}`, run: () => attempt }]);
          if (attempt < 3) throw new RunnerError('timeout', 'again');
        },
      }),
    );
    expect(result.outputs).toMatchObject({
      'of attempt 1': 1,
      'of attempt 2': 2,
      'of attempt 3': 3,
    });
  });

  test('by an element of a fan-out adds tasks whose failures fail the plan', async () => {
    const result = await execute(
      planOf(
        listOf([1]),
        each({
          forEach: { items: 'list', minSuccess: 0 },
          run: (_, { addTasks }) => addTasks([{ id: 'added', run: no }]),
        }),
      ),
    );
    expect(result.status).toBe('failed');
    expect(result.error?.message).toContain('Task "added" failed: no');
  });

  test('in a stopping run adds tasks that are skipped', async () => {
    const gate = deferred();
    const result = await execute(
      {
        ...planOf(
          { id: 'quick', run: () => 1 },
          {
            id: 'slow',
            async run(_, { addTasks }) {
              await gate.promise;
              addTasks([{ id: 'late', run: () => 1 }]);
            },
          },
        ),
        goalState: { criteria: [{ path: 'outputs.quick', operator: '==', value: 1 }] },
      },
      { onEvent: ({ type }) => void (type === 'goal_achieved' && gate.resolve()) },
    );
    expect(result.status).toBe('completed');
    expect(taskOf(result, 'late')).toMatchObject({ status: 'skipped', reason: 'goal_achieved' });
  });

  test('a thousand times, each by the task before, works', async () => {
    const next = (n: number): Task => ({
      id: `${n}`,
      dependencies: n === 0 ? [] : [`${n - 1}`],
      run(inputs, { addTasks }) {
        if (n < 1_000) addTasks([next(n + 1)]);
        return n === 0 ? 0 : (inputs[`${n - 1}`] as number) + 1;
      },
    });
    const { outputs, status } = await execute(planOf(next(0)));
    expect(status).toBe('completed');
    expect(outputs['1000']).toBe(1_000);
  });
});
