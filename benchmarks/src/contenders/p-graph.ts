import { type DependencyList, PGraph, type PGraphNodeMap } from 'p-graph';
import type { Contender } from './contender.js';

export const pGraph: Contender = {
  name: 'p-graph',
  what: 'build and run a PGraph of nodes and edges',
  // It needs more than two minutes for a million roots.
  maxSize: (shape) => (shape === 'wide' ? 100_000 : 1_000_000),
  async run({ size, dependencies }, task, maxParallel) {
    const nodes: PGraphNodeMap = new Map();
    const edges: DependencyList = [];
    for (let index = 0; index < size; index++) {
      nodes.set(`task-${index}`, { run: () => task(index) });
      for (const dependency of dependencies[index] as readonly number[]) {
        edges.push([`task-${dependency}`, `task-${index}`]);
      }
    }
    await new PGraph(nodes, edges).run({ concurrency: maxParallel });
  },
};
