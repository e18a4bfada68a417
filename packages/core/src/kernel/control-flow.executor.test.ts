import { describe, expect, test, vi } from 'vitest';
import { execute, messagesOf, runnerOf, statuses } from '../../test/runs.js';
import { type Plan, RunnerError, type Task } from '../index.js';

describe('a fan-out', () => {
  const over = (items: unknown, more: Partial<Task> = {}): Plan => ({
    goal: 'x',
    tasks: [
      { id: 'list', run: () => items },
      { id: 'each', dependencies: ['list'], forEach: 'list', run: ({ item }) => item * 2, ...more },
      { id: 'all', dependencies: ['each'], run: ({ each }) => each },
    ],
  });

  test('runs a task for each of a hundred items and returns their outputs in order', async () => {
    const items = Array.from({ length: 100 }, (_, n) => n);
    const { outputs, tasks, metrics } = await execute(over(items));
    expect(outputs.all).toEqual(
      items.map((n) => ({ id: `each[${n}]`, status: 'completed', output: n * 2 })),
    );
    expect(tasks).toHaveLength(103);
    expect(tasks[50]).toMatchObject({ parentId: 'each', status: 'completed', attempts: 1 });
    expect(metrics).toMatchObject({ totalTasks: 103, completedTasks: 103, attempts: 102 });
  });

  test('without items completes at once', async () => {
    const { outputs, status } = await execute(over([]));
    expect(status).toBe('completed');
    expect(outputs).toMatchObject({ each: [], all: [] });
  });

  test.each([
    ['some text', 'its forEach needs a list at list, but found the string "some text"'],
    [undefined, 'its forEach needs a list at list, but found undefined'],
    [{ length: 3 }, 'but found a value of type object'],
  ])('over %j fails, and says why', async (items, message) => {
    const { tasks } = await execute(over(items));
    expect(tasks[1]?.error).toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining(message),
    });
    expect(tasks[2]).toMatchObject({ status: 'skipped', reason: 'dependency_failed' });
  });

  test('over more than maxItems fails without running any', async () => {
    const run = vi.fn();
    const { error } = await execute(
      over([1, 2, 3], { forEach: { items: 'list', maxItems: 2 }, run }),
    );
    expect(error?.message).toContain('its forEach has 3 items, and maxItems is 2');
    expect(run).not.toHaveBeenCalled();
  });

  const odd = ({ item }: { item: number }) => {
    if (item % 2 === 1) throw new Error(`${item} is odd`);
    return item;
  };

  test.each([
    [2, 'completed'],
    [3, 'failed'],
    ['50%', 'completed'],
    ['51%', 'failed'],
    [0, 'completed'],
  ] as const)('of which half fail, with minSuccess %s, is %s', async (minSuccess, status) => {
    const plan = over([1, 2, 3, 4], { forEach: { items: 'list', minSuccess }, run: odd });
    const result = await execute(plan);
    expect(result.status).toBe(status);
    // Successful elements keep their results, even if the fan-out fails.
    expect(result.outputs).toMatchObject({ 'each[1]': 2, 'each[3]': 4 });
    if (status === 'completed') {
      expect(result.outputs.all).toMatchObject([
        { status: 'failed', error: { code: 'task_failed', taskId: 'each[0]' } },
        { status: 'completed', output: 2 },
        { status: 'failed' },
        { status: 'completed', output: 4 },
      ]);
    } else expect(result.error?.message).toContain('2 of 4 items succeeded');
  });

  test('is not stopped by failFast for an element that it tolerates', async () => {
    const plan = over([1, 2], { forEach: { items: 'list', minSuccess: 1 }, run: odd });
    expect((await execute(plan, { failFast: true })).status).toBe('completed');
  });

  test('retries each element separately', async () => {
    const plan = over([1, 2], {
      retry: { initialDelayMs: 0 },
      run: ({ item }, { attempt }) => {
        if (attempt < item) throw new RunnerError('overloaded', 'not yet');
        return item;
      },
    });
    const { tasks } = await execute(plan);
    expect(tasks.slice(3).map(({ attempts }) => attempts)).toEqual([1, 2]);
  });

  test('may have subtasks, which run for each element', async () => {
    const plan: Plan = {
      goal: 'x',
      tasks: [
        { id: 'list', run: () => ['a', 'b'] },
        {
          id: 'each',
          dependencies: ['list'],
          forEach: 'list',
          subtasks: [
            { id: 'read', run: ({ item, index }) => `${item}${index}` },
            { id: 'check', dependencies: ['read', 'list'], run: (inputs) => inputs },
          ],
        },
      ],
    };
    const { outputs, status } = await execute(plan);
    expect(status).toBe('completed');
    expect(outputs['each[1].check']).toEqual({
      read: 'b1',
      list: ['a', 'b'],
      item: 'b',
      index: 1,
    });
    expect(outputs.each).toMatchObject([{ output: { read: 'a0' } }, { output: { read: 'b1' } }]);
  });

  test('may be nested', async () => {
    const plan: Plan = {
      goal: 'x',
      tasks: [
        { id: 'list', run: () => [[1, 2], [3]] },
        {
          id: 'outer',
          dependencies: ['list'],
          forEach: 'list',
          subtasks: [{ id: 'inner', forEach: 'item', run: ({ item }) => -item }],
        },
      ],
    };
    const { outputs } = await execute(plan);
    expect(outputs).toMatchObject({
      'outer[0].inner[0]': -1,
      'outer[0].inner[1]': -2,
      'outer[1].inner[0]': -3,
    });
  });

  test('inserts the item, or appends it', async () => {
    const { runner, requests } = runnerOf({ list: [{ title: 'T' }] });
    const tasks: Task[] = [
      { id: 'list', description: 'x' },
      { id: 'a', dependencies: ['list'], forEach: 'list', description: '{{item.title}} {{index}}' },
      { id: 'b', dependencies: ['list'], forEach: 'list', description: 'Read' },
    ];
    await execute({ goal: 'x', tasks }, { runner });
    expect(requests.get('a[0]')?.prompt).toBe('T 0');
    expect(requests.get('b[0]')?.prompt).toMatch(/^Read\n\n<output .*<item>\n{\n {2}"title": "T"/s);
  });

  test('that was added fails when a task has the id of one of its elements', async () => {
    const { tasks } = await execute({
      goal: 'x',
      tasks: [
        { id: 'each[0].a', run: () => 'taken' },
        {
          id: 'list',
          run(_, { addTasks }) {
            const subtasks = [{ id: 'a', run: () => 1 }];
            addTasks([{ id: 'each', dependencies: ['list'], forEach: 'list', subtasks }]);
            return [1];
          },
        },
      ],
    });
    expect(tasks[2]?.error?.message).toContain('needs the id "each[0].a", which is taken');
  });

  test('reserves the ids of its elements', () => {
    const tasks: Task[] = [
      { id: 'list', description: 'x' },
      { id: 'a', dependencies: ['list'], forEach: 'list', description: 'x' },
      { id: 'a[0]', description: 'x' },
      { id: 'item', description: 'x' },
      { id: 'b', dependencies: ['list', 'item'], forEach: 'list', description: 'x' },
    ];
    expect(messagesOf(() => execute({ goal: 'x', tasks }))).toEqual([
      '"item" is a reserved name in a fan-out; give that task another id',
      'ids such as "a[0]" are reserved for the items of the fan-out "a"',
    ]);
  });
});

describe('context.addTasks', () => {
  test('adds tasks, which may add further tasks', async () => {
    const grow = (left: number): Task => ({
      id: `level ${left}`,
      run(_, { addTasks }) {
        if (left > 0) addTasks([grow(left - 1)]);
        return left;
      },
    });
    const result = await execute({ goal: 'x', tasks: [grow(50)] });
    expect(result.status).toBe('completed');
    expect(result.tasks).toHaveLength(51);
    const added = result.timeline.filter(({ type }) => type === 'tasks_added');
    expect(added).toHaveLength(50);
    expect(added[0]).toMatchObject({ source: 'add_tasks', taskId: 'level 50' });
  });

  test('accepts dependencies on completed, running, failed and newly added tasks', async () => {
    const plan: Plan = {
      goal: 'x',
      tasks: [
        { id: 'done', run: () => 1 },
        {
          id: 'failing',
          run: () => {
            throw new Error('no');
          },
        },
        {
          id: 'adding',
          dependencies: ['done'],
          run(_, { addTasks }) {
            addTasks([
              { id: 'c', dependencies: ['b', 'done'], run: ({ b, done }) => [b, done] },
              { id: 'b', dependencies: ['adding'], run: ({ adding }) => adding },
              { id: 'never', dependencies: ['failing', 'done'], run: () => 1 },
            ]);
            return 'added';
          },
        },
      ],
    };
    const { outputs, tasks } = await execute(plan);
    expect(outputs).toMatchObject({ b: 'added', c: ['added', 1] });
    expect(tasks.find(({ id }) => id === 'never')).toMatchObject({
      status: 'skipped',
      failedTaskId: 'failing',
    });
  });

  test('rejects invalid tasks, and the run continues without them', async () => {
    const problems: string[][] = [];
    const plan: Plan = {
      goal: 'x',
      tasks: [
        {
          id: 'a',
          run(_, { addTasks }) {
            for (const tasks of [
              [{ id: 'a', run: () => 1 }],
              [{ id: 'b', run: () => 1, dependencies: ['zebra'] }],
              [{ id: 'b' }],
              'b',
            ]) {
              problems.push(messagesOf(() => addTasks(tasks as Task[])));
            }
          },
        },
      ],
    };
    const { status, tasks } = await execute(plan);
    expect(problems).toEqual([
      ['the id "a" is already used by another task; ids must be unique'],
      ['there is no task "zebra".'],
      [expect.stringContaining('is missing; a task without a run function')],
      ['must be a list of tasks'],
    ]);
    expect(status).toBe('completed');
    expect(tasks).toHaveLength(1);
  });

  test('rejects after the end of the attempt', async () => {
    let late: (tasks: Task[]) => void = () => {};
    const run = execute({
      goal: 'x',
      tasks: [
        {
          id: 'a',
          run(_, { addTasks }) {
            late = addTasks;
          },
        },
      ],
    });
    await run;
    expect(() => late([{ id: 'b', run: () => 1 }])).toThrow(/it is over/);
    expect(() => run.addTasks([{ id: 'b', run: () => 1 }])).toThrow(/it is over/);
  });
});

describe('subtasks', () => {
  test('start after the dependencies of their parent, which completes with them', async () => {
    const plan: Plan = {
      goal: 'x',
      tasks: [
        { id: 'before', run: () => 1 },
        {
          id: 'parent',
          dependencies: ['before'],
          subtasks: [
            { id: 'second', dependencies: ['first'], run: ({ first }) => first + 1 },
            { id: 'first', run: () => 1 },
            { id: 'deep', subtasks: [{ id: 'deeper', run: () => 'bottom' }] },
          ],
        },
        { id: 'after', dependencies: ['parent', 'second'], run: (inputs) => inputs },
      ],
    };
    const { outputs, timeline, status } = await execute(plan);
    expect(status).toBe('completed');
    expect(outputs.parent).toEqual({ second: 2, first: 1, deep: { deeper: 'bottom' } });
    expect(outputs.after).toEqual({ parent: outputs.parent, second: 2 });
    const starts = timeline.flatMap((event) => (event.type === 'task_started' ? event.taskId : []));
    expect(starts).toEqual(['before', 'first', 'deeper', 'second', 'after']);
  });

  test('pass their outputs to a parent that runs itself', async () => {
    const { runner, requests } = runnerOf();
    const plan: Plan = {
      goal: 'x',
      tasks: [
        { id: 'sum', subtasks: [{ id: 'a', run: () => 1 }], run: ({ a }) => a + 1 },
        {
          id: 'text',
          type: 'aggregate',
          description: 'Join {{b}}',
          subtasks: [{ id: 'b', run: () => 'B' }],
        },
        { id: 'label', description: 'Only a label', subtasks: [{ id: 'c', run: () => 'C' }] },
      ],
    };
    const { outputs } = await execute(plan, { runner });
    expect(outputs).toMatchObject({ sum: 2, text: 'Join B', label: { c: 'C' } });
    expect([...requests.keys()]).toEqual(['text']);
  });

  test('that fail make their parent fail, and its dependents are skipped', async () => {
    const no = () => {
      throw new Error('no');
    };
    const plan: Plan = {
      goal: 'x',
      tasks: [
        {
          id: 'p',
          subtasks: [
            { id: 'a', run: no },
            { id: 'b', run: () => 1 },
          ],
        },
        { id: 'after', dependencies: ['p'], run: () => 1 },
      ],
    };
    const { tasks, error } = await execute(plan);
    expect(statuses({ tasks })).toEqual({
      p: 'failed',
      a: 'failed',
      b: 'completed',
      after: 'skipped',
    });
    expect(tasks[0]?.error?.message).toContain('1 of its 2 subtasks did not complete');
    expect(error?.message).toBe('The run failed. Task "a" failed: no');
  });

  test('may not nest deeper than maxDepth or depend on their parents', () => {
    const nest = (depth: number): Task =>
      depth === 1 ? { id: '1', run: () => 1 } : { id: `${depth}`, subtasks: [nest(depth - 1)] };
    expect(messagesOf(() => execute({ goal: 'x', tasks: [nest(8)] }))).toEqual([]);
    expect(messagesOf(() => execute({ goal: 'x', tasks: [nest(9)] }))).toEqual([
      'is nested deeper than maxDepth, which is 8',
    ]);
    expect(messagesOf(() => execute({ goal: 'x', tasks: [nest(9)] }, { maxDepth: 9 }))).toEqual([]);
    const tasks: Task[] = [
      { id: 'p', dependencies: ['x'], subtasks: [{ id: 'a', run: () => 1 }] },
      { id: 'x', dependencies: ['a'], run: () => 1 },
      { id: 'q', subtasks: [{ id: 'b', dependencies: ['q'], run: () => 1 }] },
    ];
    expect(messagesOf(() => execute({ goal: 'x', tasks }))).toEqual([
      expect.stringContaining('dependency cycle: a → p → x → a'),
      expect.stringContaining('dependency cycle: q → b → q'),
    ]);
  });
});
