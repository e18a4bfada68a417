import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findCycles } from './cycle.js';
import { Graph } from './graph.js';
import type { Task } from './task.js';

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
        expect(graph.levels).toEqual(tasks.map(({ id }) => naiveLevel(tasks, id)));
        expect(graph.criticalPaths).toEqual(tasks.map((task) => naiveCriticalPath(tasks, task, 1)));
      }),
    );
  });

  test('counts a task without an estimate as the average of those that have one', () => {
    const graph = new Graph([
      { id: 'a', estimate: { durationMs: 10 } },
      { id: 'b', estimate: { durationMs: 30 }, dependencies: ['a'] },
      { id: 'c', dependencies: ['b'] },
    ]);
    expect(graph.criticalPaths).toEqual([60, 50, 20]);
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
});

describe('findCycles', () => {
  test('finds a cycle exactly when there is one, and what it gives is one', () => {
    fc.assert(
      fc.property(anyTasks, (tasks) => {
        const graph = new Graph(tasks);
        const cycles = findCycles(graph);
        expect(cycles.length > 0).toBe(!graph.acyclic);
        const seen = new Set<number>();
        for (const cycle of cycles) {
          expect(cycle[0]).toBe(cycle.at(-1));
          expect(cycle[0]).toBe(Math.min(...cycle));
          for (const [step, index] of cycle.slice(0, -1).entries()) {
            expect(tasks[index]?.dependencies).toContain(`t${cycle[step + 1]}`);
            expect(seen.has(index)).toBe(false);
            seen.add(index);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
