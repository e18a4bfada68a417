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

describe('Graph', () => {
  test('knows levels and critical paths, as a naive computation does', () => {
    fc.assert(
      fc.property(acyclicTasks, (tasks) => {
        const graph = new Graph(tasks);
        expect(graph.acyclic).toBe(true);
        expect([...graph.levels]).toEqual(tasks.map(({ id }) => naiveLevel(tasks, id)));
        expect([...graph.criticalPaths]).toEqual(
          tasks.map((task) => naiveCriticalPath(tasks, task, 1)),
        );
      }),
    );
  });

  test('counts a task without an estimate as the average of those that have one', () => {
    const graph = new Graph([
      { id: 'a', estimate: { durationMs: 10 } },
      { id: 'b', estimate: { durationMs: 30 }, dependencies: ['a'] },
      { id: 'c', dependencies: ['b'] },
    ]);
    expect([...graph.criticalPaths]).toEqual([60, 50, 20]);
  });

  test('goes along edges in both directions, in the order written and in that of the plan', () => {
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

  test('takes a chain of 100,000 tasks, written from its end', () => {
    const size = 100_000;
    const tasks = Array.from({ length: size }, (_, n) => ({
      id: `${n}`,
      dependencies: n === size - 1 ? [] : [`${n + 1}`],
    }));
    const graph = new Graph(tasks);
    expect(graph.levels[0]).toBe(size - 1);
    expect(graph.criticalPaths[size - 1]).toBe(size);
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
          const path = graph.criticalPaths[index];
          expect(path).toBeCloseTo(naiveCriticalPath(tasks, task, usual), 6);
          expect(others[index]).toBeCloseTo(naiveCriticalPath(tasks, task, 777), 6);
        }
      }),
    );
  });

  test('leaves out what cannot be an edge: unknown ids and the task itself', () => {
    const graph = new Graph([
      { id: 'a', dependencies: ['a', 'nobody', 'b'] },
      { id: 'b', dependencies: ['toString', '__proto__'] },
    ]);
    expect([graph.dependencyCount(0), graph.dependencyCount(1)]).toEqual([1, 0]);
    expect([...graph.levels]).toEqual([1, 0]);
    expect(graph.acyclic).toBe(true);
  });

  test('knows tasks by any id, and nobody by the names that every object has', () => {
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

  test('takes one task with 100,000 dependencies, and one with as many dependents', () => {
    const size = 100_000;
    const ids = Array.from({ length: size }, (_, n) => `${n}`);
    const graph = new Graph([
      { id: 'start' },
      ...ids.map((id) => ({ id, dependencies: ['start'] })),
      { id: 'end', dependencies: ids },
    ]);
    expect(graph.dependencyCount(size + 1)).toBe(size);
    expect(graph.levels[size + 1]).toBe(2);
    let dependents = 0;
    graph.eachDependent(0, () => dependents++);
    expect(dependents).toBe(size);
  });
});
