import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Task } from '../contract/task.js';
import { Graph } from './graph.js';

/** Random tasks by position; edges may point anywhere, so there may be cycles. */
const anyTasks = fc
  .array(fc.array(fc.nat(20), { maxLength: 4 }), { minLength: 1, maxLength: 15 })
  .map((wanted) =>
    wanted.map((positions, index): Task => {
      const others = positions.map((n) => n % wanted.length).filter((n) => n !== index);
      return {
        id: `t${index}`,
        description: 'x',
        dependencies: [...new Set(others)].map((n) => `t${n}`),
      };
    }),
  );

/** The same without cycles: dependencies come first in a shuffled order. */
const acyclicTasks = fc.tuple(anyTasks, fc.infiniteStream(fc.nat())).map(([tasks, keys]) => {
  const rank = new Map(tasks.map(({ id }) => [id, keys.next().value as number]));
  const before = (a: string, b: string) =>
    (rank.get(a) as number) < (rank.get(b) as number) || (rank.get(a) === rank.get(b) && a < b);
  return tasks.map((task) => ({
    ...task,
    dependencies: task.dependencies?.filter((id) => before(id, task.id)) ?? [],
  }));
});

const naiveLevel = (tasks: readonly Task[], id: string): number => {
  const { dependencies = [] } = tasks.find((task) => task.id === id) as Task;
  return Math.max(0, ...dependencies.map((dependency) => naiveLevel(tasks, dependency) + 1));
};

const naiveCriticalPath = (
  tasks: readonly Task[],
  { id, estimate }: Task,
  usual: number,
): number => {
  const dependents = tasks.filter((task) => task.dependencies?.includes(id));
  const below = dependents.map((dependent) => naiveCriticalPath(tasks, dependent, usual));
  return (estimate?.durationMs ?? usual) + Math.max(0, ...below);
};

/** Two levels of tasks and subtasks, each depending on earlier siblings alone. */
const familyTasks = (() => {
  const shape = fc.record({
    dependencies: fc.array(fc.nat(5), { maxLength: 2 }),
    durationMs: fc.option(fc.nat(100), { nil: undefined }),
    isDoneItself: fc.boolean(),
  });
  type Shape = typeof shape extends fc.Arbitrary<infer S> ? S : never;
  const nested = fc.array(
    fc.tuple(shape, fc.array(fc.tuple(shape, fc.array(shape, { maxLength: 3 })), { maxLength: 4 })),
    { minLength: 1, maxLength: 5 },
  );
  const taskOf = (
    { dependencies, durationMs, isDoneItself }: Shape,
    id: string,
    siblings: readonly Task[],
    subtasks: readonly Task[],
  ): Task => {
    const names = dependencies.flatMap((n) => siblings[n]?.id ?? []);
    return {
      id,
      dependencies: [...new Set(names)],
      ...(durationMs !== undefined && { estimate: { durationMs } }),
      ...(subtasks.length > 0 && { subtasks }),
      ...(isDoneItself && { run: () => 0 }),
    };
  };
  return nested.map((list) => {
    const tasks: Task[] = [];
    for (const [a, [outer, children]] of list.entries()) {
      const inner: Task[] = [];
      for (const [b, [child, leaves]] of children.entries()) {
        const last: Task[] = [];
        for (const [c, leaf] of leaves.entries()) {
          last.push(taskOf(leaf, `${a}.${b}.${c}`, last, []));
        }
        inner.push(taskOf(child, `${a}.${b}`, inner, last));
      }
      tasks.push(taskOf(outer, `${a}`, tasks, inner));
    }
    return tasks;
  });
})();

const levelsOf = (graph: Graph) => graph.tasks.map((_, index) => graph.levelOf(index));
const criticalPathsOf = (graph: Graph) =>
  graph.tasks.map((_, index) => graph.criticalPathOf(index));

describe('Graph', () => {
  test('knows levels and critical paths, as a naive computation does', () => {
    fc.assert(
      fc.property(acyclicTasks, (tasks) => {
        const graph = new Graph(tasks);
        expect(graph.acyclic).toBe(true);
        expect(levelsOf(graph)).toEqual(tasks.map(({ id }) => naiveLevel(tasks, id)));
        expect(criticalPathsOf(graph)).toEqual(
          tasks.map((task) => naiveCriticalPath(tasks, task, 1)),
        );
      }),
    );
  });

  test('knows levels and critical paths of tasks with subtasks, as a naive computation does', () => {
    fc.assert(
      fc.property(familyTasks, (tasks) => {
        const graph = new Graph(tasks);
        expect(graph.acyclic).toBe(true);
        const given = graph.tasks.flatMap(({ estimate }) => estimate?.durationMs ?? []);
        const usual = given.length === 0 ? 1 : given.reduce((a, b) => a + b, 0) / given.length;
        const ownWork = (index: number) => {
          const task = graph.taskOf(index);
          const isDone = task.subtasks === undefined || task.run !== undefined;
          return isDone ? (task.estimate?.durationMs ?? usual) : 0;
        };
        const each = (visit: (see: (index: number) => void) => void) => {
          const found: number[] = [];
          visit((index) => found.push(index));
          return found;
        };
        const level = (index: number): number => {
          const dependencies = each((see) => graph.eachDependency(index, see));
          const parent = graph.parentOf(index);
          const least = parent === undefined ? 0 : level(parent);
          return Math.max(least, ...dependencies.map((dependency) => level(dependency) + 1));
        };
        /** From the end of a task's children on. */
        const tail = (index: number): number => {
          const dependents = each((see) => graph.eachDependent(index, see));
          const parent = graph.parentOf(index);
          const after = parent === undefined ? 0 : tail(parent);
          return ownWork(index) + Math.max(after, ...dependents.map(path));
        };
        const path = (index: number): number => {
          const children = each((see) => graph.eachChild(index, see));
          return Math.max(tail(index), ...children.map(path));
        };
        for (let index = 0; index < graph.size; index++) {
          expect(graph.levelOf(index)).toBe(level(index));
          expect(graph.criticalPathOf(index)).toBeCloseTo(path(index), 6);
        }
      }),
    );
  });

  test('counts a task without an estimate as the average of those that have one', () => {
    const graph = new Graph([
      { id: 'a', estimate: { durationMs: 10 } },
      { id: 'b', estimate: { durationMs: 30 }, dependencies: ['a'] },
      { id: 'c', dependencies: ['b'] },
    ]);
    expect(criticalPathsOf(graph)).toEqual([60, 50, 20]);
  });

  test('visits dependencies in the order written and dependents in the order of the plan', () => {
    fc.assert(
      fc.property(anyTasks, (tasks) => {
        const graph = new Graph(tasks);
        for (const [index, task] of tasks.entries()) {
          const dependencies: string[] = [];
          graph.eachDependency(index, (at) => dependencies.push(tasks[at]?.id as string));
          expect(dependencies).toEqual(task.dependencies);
          expect(graph.dependencyCount(index)).toBe(dependencies.length);
          const dependents: string[] = [];
          graph.eachDependent(index, (at) => dependents.push(tasks[at]?.id as string));
          const expected = tasks.filter((other) => other.dependencies?.includes(task.id));
          expect(dependents).toEqual(expected.map(({ id }) => id));
        }
      }),
    );
  });

  test('handles a chain of 100,000 tasks that is written from its end', () => {
    const size = 100_000;
    const tasks = Array.from({ length: size }, (_, n) => ({
      id: `${n}`,
      dependencies: n === size - 1 ? [] : [`${n + 1}`],
    }));
    const graph = new Graph(tasks);
    expect(graph.levelOf(0)).toBe(size - 1);
    expect(graph.criticalPathOf(size - 1)).toBe(size);
  });

  test('adds up estimates along the longest path, as a naive computation does', () => {
    const estimates = fc.array(fc.option(fc.nat(1_000), { nil: undefined }), {
      minLength: 15,
      maxLength: 15,
    });
    fc.assert(
      fc.property(acyclicTasks, estimates, (plain, durations) => {
        const tasks = plain.map((task, index): Task => {
          const durationMs = durations[index];
          return durationMs === undefined ? task : { ...task, estimate: { durationMs } };
        });
        const given = tasks.flatMap(({ estimate }) => estimate?.durationMs ?? []);
        const usual = given.length === 0 ? 1 : given.reduce((a, b) => a + b, 0) / given.length;
        const graph = new Graph(tasks);
        const others = graph.criticalPathsBy(() => 777);
        for (const [index, task] of tasks.entries()) {
          const path = graph.criticalPathOf(index);
          expect(path).toBeCloseTo(naiveCriticalPath(tasks, task, usual), 6);
          expect(others[index]).toBeCloseTo(naiveCriticalPath(tasks, task, 777), 6);
        }
      }),
    );
  });

  test('leaves out dependencies on unknown ids and on the task itself', () => {
    const graph = new Graph([
      { id: 'a', dependencies: ['a', 'nobody', 'b'] },
      { id: 'b', dependencies: ['toString', '__proto__'] },
    ]);
    expect([graph.dependencyCount(0), graph.dependencyCount(1)]).toEqual([1, 0]);
    expect(levelsOf(graph)).toEqual([1, 0]);
    expect(graph.acyclic).toBe(true);
  });

  test('finds tasks with any id, and none by the names of properties of every object', () => {
    const ids = ['__proto__', 'constructor', 'toString', ' ', 'é', 'e\u0301', '🙂', 'a"\n', '0'];
    const graph = new Graph(ids.map((id) => ({ id })));
    expect(ids.map((id) => graph.indexOf(id))).toEqual(ids.map((_, index) => index));
    expect([...graph.ids()]).toEqual(ids);
    expect(graph.uniqueIds).toBe(graph.size);
    expect(new Graph([{ id: 'a' }]).indexOf('constructor')).toBeUndefined();
  });

  test('counts an id that is used twice once, and keeps both tasks', () => {
    const graph = new Graph([{ id: 'a' }, { id: 'a' }, { id: 'b', dependencies: ['a'] }]);
    expect([graph.size, graph.uniqueIds]).toEqual([3, 2]);
    expect(graph.indexOf('a')).toBe(1);
  });

  test('handles one task with 100,000 dependencies, and one with as many dependents', () => {
    const size = 100_000;
    const ids = Array.from({ length: size }, (_, n) => `${n}`);
    const graph = new Graph([
      { id: 'start' },
      ...ids.map((id) => ({ id, dependencies: ['start'] })),
      { id: 'end', dependencies: ids },
    ]);
    expect(graph.dependencyCount(size + 1)).toBe(size);
    expect(graph.levelOf(size + 1)).toBe(2);
    let dependents = 0;
    graph.eachDependent(0, () => dependents++);
    expect(dependents).toBe(size);
  });
});
