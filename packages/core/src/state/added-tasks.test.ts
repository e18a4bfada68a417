import { describe, expect, test } from 'vitest';
import { each, listOf } from '../../test/fan-outs.js';
import {
  deferred,
  eventsOf,
  execute,
  inOrder,
  messagesOf,
  no,
  planOf,
  taskOf,
} from '../../test/runs.js';
import { createExecutor, type RunHandle, RunnerError, type Task } from '../index.js';

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
