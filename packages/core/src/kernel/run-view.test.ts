import { expect, test } from 'vitest';
import { Graph } from '../graph/graph.js';
import { RunState } from '../state/run-state.js';
import { LiveRunView } from './run-view.js';

function viewOf(now: () => number): LiveRunView {
  const graph = new Graph([{ id: 'a', run: () => 1 }]);
  const state = new RunState(graph);
  state.maxParallel = 3;
  return new LiveRunView(graph, state, {
    now,
    ready: () => 1,
    report() {},
    cappedResources: new Set(),
    isFull: () => false,
    isOver: () => false,
    serverOf: () => undefined,
  });
}

test('a view of a run is live and read-only, and its figures survive a spread copy', () => {
  let time = 5;
  const view = viewOf(() => time);
  expect({ ...view }).toMatchObject({ now: 5, maxParallel: 3, totalTasks: 1, running: 0 });
  expect({ ...view }).toMatchObject({ ready: 1, remaining: 1 });
  time = 6;
  expect(view.now).toBe(6);
  expect(() => Object.assign(view, { now: 7 })).toThrow(TypeError);
});

// Engines keep getters per object in memory long after the objects.
test('views of runs share their getters', () => {
  const getters = (view: LiveRunView) =>
    Object.values(Object.getOwnPropertyDescriptors(view)).flatMap(({ get }) => get ?? []);
  const first = getters(viewOf(() => 1));
  const second = getters(viewOf(() => 2));
  expect(first).toHaveLength(8);
  expect(first.every((getter, position) => getter === second[position])).toBe(true);
});
