import { describe, expect, test } from 'vitest';
import { execute, planOf, statuses, taskOf } from '../../test/runs.js';
import { formatProblem, type Task, validatePlan } from '../index.js';

const never = () => false;
const list: Task = { id: 'list', when: never, run: () => ({ items: [1] }) };
const other: Task = { id: 'other', run: () => [1, 2] };
const both = ['list', 'other'];

describe('a fan-out over a branch that was not chosen', () => {
  test.each<[string, Task['forEach']]>([
    ['a path', 'list.items'],
    ['the output itself', 'list'],
    ['options', { items: 'list.items', minSuccess: 0 }],
    ['a function', ({ list }) => list],
    ['a function that reads a field', ({ list }) => list.items],
  ])('is skipped, whatever else it depends on: %s', async (_, forEach) => {
    const result = await execute(
      planOf(
        list,
        other,
        { id: 'each', dependencies: both, forEach, run: () => 1 },
        { id: 'after', dependencies: ['each', 'other'], run: (inputs) => Object.keys(inputs) },
      ),
    );
    expect(result.status, result.error?.message).toBe('completed');
    expect(taskOf(result, 'each')).toMatchObject({ status: 'skipped', reason: 'condition_false' });
    expect(result.outputs.after).toEqual(['other']);
  });

  test('is not skipped when its list comes from elsewhere', async () => {
    for (const forEach of [
      'other',
      ({ list, other }: never) => list ?? other,
    ] as Task['forEach'][]) {
      const each: Task = { id: 'each', dependencies: both, forEach, run: ({ item }) => item };
      const result = await execute(planOf(list, other, each));
      expect(result.outputs.each).toMatchObject([{ output: 1 }, { output: 2 }]);
    }
  });

  test('still fails for reasons of its own', async () => {
    const wrong: Task['forEach'][] = [
      'other.items',
      ({ other }) => other.items,
      { items: ({ list, other }) => list ?? other, maxItems: 1 },
    ];
    for (const forEach of wrong) {
      const each: Task = { id: 'each', dependencies: both, forEach, run: () => 1 };
      expect(statuses(await execute(planOf(list, other, each))).each).toBe('failed');
    }
  });

  test('is skipped inside another fan-out, too', async () => {
    const subtasks: Task[] = [
      { id: 'some', when: { path: 'item', operator: '==', value: 2 }, run: () => [7] },
      { id: 'each', dependencies: ['some', 'other'], forEach: 'some', run: ({ item }) => item },
    ];
    const outer: Task = { id: 'outer', dependencies: ['other'], forEach: 'other', subtasks };
    const result = await execute(planOf(other, outer));
    expect(statuses(result)).toMatchObject({
      'outer[0].each': 'skipped',
      'outer[1].each': 'completed',
      'outer[1].each[0]': 'completed',
    });
  });
});

describe('the condition of a fan-out', () => {
  const each = (when: Task['when'], more: Partial<Task> = {}): Task => ({
    ...{ id: 'each', dependencies: ['other'], forEach: 'other', when, run: () => 1 },
    ...more,
  });

  test('cannot use the item, and says where it can', async () => {
    const when = { path: 'item', operator: '>', value: 1 } as const;
    expect(validatePlan(planOf(other, each(when))).map(formatProblem)).toEqual([
      'tasks[1].when.path: "item" is not an input of this task. A fan-out checks it once, before it has items; use it in its subtasks.',
    ]);
    for (const read of ['item', 'index']) {
      const result = await execute(
        planOf(
          other,
          each((inputs) => inputs[read] > 1),
        ),
      );
      expect(taskOf(result, 'each').error).toMatchObject({
        code: 'invalid_input',
        message: expect.stringContaining('put the condition on a subtask'),
      });
    }
  });

  test('can use other inputs, and that of a subtask the item', async () => {
    const all = await execute(
      planOf(
        other,
        each(({ other }) => other.length === 2),
      ),
    );
    expect(all.outputs.each).toHaveLength(2);
    const subtasks: Task[] = [
      { id: 's', when: { path: 'item', operator: '>', value: 1 }, run: ({ item }) => item },
      { id: 't', when: ({ index }) => index === 0, run: ({ item }) => item },
    ];
    const some = await execute(planOf(other, each(undefined, { subtasks, run: undefined })));
    expect(some.outputs.each).toMatchObject([{ output: { t: 1 } }, { output: { s: 2 } }]);
  });
});
