import { describe, expect, test } from 'vitest';
import { each, even, listOf, succeeded } from '../../test/fan-outs.js';
import { execute, inOrder, no, planOf, runnerOf, statuses } from '../../test/runs.js';
import { createExecutor, type Task } from '../index.js';

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
