import { expect, test } from 'vitest';
import { readRatio, timeRatio } from '../../test/growth.js';
import type { Task } from '../contract/task.js';
import { Graph } from '../graph/graph.js';
import { additionProblems, validatePlan } from './plan.js';

/** Work that doubles with the size has a ratio of 2, quadratic work one of 4. */
const MAX_RATIO = 3;
const SIZE = 4_000;

const idOf = (n: number) => `task ${n}`;
const idsOf = (size: number) => Array.from({ length: size }, (_, n) => idOf(n));
const leaves = (size: number): Task[] => idsOf(size).map((id) => ({ id, description: 'x' }));

/** One task with `size` dependencies, all of them in its prompt. */
function referencing(size: number): Task[] {
  const ids = idsOf(size);
  const description = ids.map((id) => `{{${id}}}`).join(' ');
  return [...leaves(size), { id: 'end', description, dependencies: ids }];
}

/** Plans by size, with the number of their problems for each unit of it. */
const plans: [string, number, (size: number) => Task[]][] = [
  ['independent tasks', 0, leaves],
  ['a chain', 0, (size) => leaves(size).map((task, n) => chained(task, n))],
  ['a task with many dependencies and references', 0, referencing],
  [
    'a task with many dependents',
    0,
    (size) => [
      { id: 'start', description: 'x' },
      ...leaves(size).map((task) => ({ ...task, dependencies: ['start'] })),
    ],
  ],
  [
    'a condition with many parts',
    0,
    (size) => {
      const all = idsOf(size).map((path) => ({ path, operator: '==' as const, value: 1 }));
      const end = { id: 'end', description: 'x', dependencies: idsOf(size), when: { all } };
      return [...leaves(size), end];
    },
  ],
  [
    'a fan-out whose subtasks depend on many tasks outside',
    0,
    (size) => {
      const subtasks = leaves(size).map((task, n) => ({
        ...task,
        id: `sub ${n}`,
        dependencies: [task.id],
      }));
      const fanOut = { id: 'fan', dependencies: idsOf(size), forEach: idOf(0), subtasks };
      return [...leaves(size), fanOut];
    },
  ],
  [
    'a group that refers to many subtasks',
    0,
    (size) => {
      const description = idsOf(size)
        .map((id) => `{{${id}}}`)
        .join(' ');
      return [{ id: 'group', type: 'aggregate', description, subtasks: leaves(size) }];
    },
  ],
  [
    'references to nothing',
    1,
    (size) => {
      const [...tasks] = referencing(size);
      const end = tasks.pop() as Task;
      return [...tasks, { ...end, description: end.description?.replaceAll('task', 'tsk') ?? '' }];
    },
  ],
  [
    'unknown dependencies',
    1,
    (size) => [
      { id: 'end', description: 'x', dependencies: idsOf(size).map((id) => `${id}?`) },
      ...leaves(1),
    ],
  ],
  [
    'one dependency many times',
    1,
    (size) => [
      ...leaves(1),
      { id: 'z', description: 'x', dependencies: Array(size + 1).fill('task 0') },
    ],
  ],
  ['one id many times', 1, (size) => leaves(size + 1).map((task) => ({ ...task, id: 'same' }))],
  [
    'pairs of tasks in a cycle',
    0.5,
    (size) => leaves(size).map((task, n) => ({ ...task, dependencies: [idOf(n ^ 1)] })),
  ],
];

function chained(task: Task, n: number): Task {
  return n === 0 ? task : { ...task, dependencies: [idOf(n - 1)] };
}

test.each(plans)('validatePlan takes linear time for %s', (_, problems, tasksOf) => {
  const ratio = timeRatio(SIZE, (size) => {
    const plan = { goal: 'x', tasks: tasksOf(size) };
    expect(validatePlan(plan)).toHaveLength(problems * size);
    return () => validatePlan(plan);
  });
  expect(ratio).toBeLessThan(MAX_RATIO);
});

test('validatePlan reads each task and each dependency a constant number of times', () => {
  const ratio = readRatio(500, (size, counter) => {
    expect(validatePlan(counter.watch({ goal: 'x', tasks: referencing(size) }))).toEqual([]);
  });
  expect(ratio).toBeLessThan(MAX_RATIO);
});

test('additionProblems of one task takes the same time for a plan of any size', () => {
  const ratio = readRatio(500, (size, counter) => {
    const tasks = leaves(size).map((task, n) => chained(task, n));
    const graph = new Graph([]);
    for (const task of tasks) {
      const added = counter.watch([task]);
      const isTaken = (id: string) => graph.indexOf(id) !== undefined;
      expect(additionProblems(added, { isTaken })).toEqual([]);
      graph.add(added);
    }
  });
  expect(ratio).toBeLessThan(MAX_RATIO);
});

test('adding tasks one by one takes linear time', () => {
  const ratio = timeRatio(SIZE, (size) => {
    const tasks = leaves(size).map((task, n) => chained(task, n));
    return () => {
      const graph = new Graph([]);
      const isTaken = (id: string) => graph.indexOf(id) !== undefined;
      for (const task of tasks) {
        additionProblems([task], { isTaken });
        graph.add([task]);
      }
    };
  });
  expect(ratio).toBeLessThan(MAX_RATIO);
});
