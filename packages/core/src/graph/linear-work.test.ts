import { expect, test } from 'vitest';
import { readRatio, timeRatio } from '../../test/growth.js';
import type { Task } from '../contract/task.js';
import { findCycles } from './cycle.js';
import { Graph } from './graph.js';

/** Work that doubles with the size has a ratio of 2, quadratic work one of 4. */
const MAX_RATIO = 3;
const SIZE = 8_000;

const idsOf = (size: number) => Array.from({ length: size }, (_, n) => `task ${n}`);

const graphs: [string, (size: number) => Task[]][] = [
  ['a fan-in', (size) => [...idsOf(size).map((id) => ({ id })), end(size)]],
  ['a fan-in that is written first', (size) => [end(size), ...idsOf(size).map((id) => ({ id }))]],
  ['a chain', chain],
  ['a chain that is written from its end', (size) => chain(size).reverse()],
  [
    'a chain of subtasks in nested groups',
    (size) => {
      // Each of these subtasks has a longer path than the next one.
      let tasks = chain(size);
      for (let depth = 0; depth < size / 16; depth++) {
        tasks = [{ id: `group ${depth}`, subtasks: tasks }];
      }
      return tasks;
    },
  ],
];

function end(size: number): Task {
  return { id: 'end', dependencies: idsOf(size) };
}

function chain(size: number): Task[] {
  const ids = idsOf(size);
  return ids.map((id, n) => ({ id, dependencies: n === 0 ? [] : [ids[n - 1] as string] }));
}

test.each(graphs)('a graph of %s takes linear time', (_, tasksOf) => {
  const ratio = timeRatio(SIZE, (size) => {
    const tasks = tasksOf(size);
    expect(new Graph(tasks).acyclic).toBe(true);
    return () => new Graph(tasks);
  });
  expect(ratio).toBeLessThan(MAX_RATIO);
});

test('a graph reads each task a constant number of times', () => {
  const ratio = readRatio(1_000, (size, counter) => {
    const graph = new Graph(counter.watch([...chain(size), end(size)]));
    expect(graph.levelOf(size)).toBe(size);
  });
  expect(ratio).toBeLessThan(MAX_RATIO);
});

test('the cycles of a ring take linear time', () => {
  const ratio = timeRatio(SIZE, (size) => {
    const [first, ...others] = chain(size) as [Task, ...Task[]];
    const ring = [{ ...first, dependencies: [`task ${size - 1}`] }, ...others];
    const graph = new Graph(ring);
    return () => findCycles(graph);
  });
  expect(ratio).toBeLessThan(MAX_RATIO);
});
