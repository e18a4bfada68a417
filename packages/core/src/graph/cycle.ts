import type { Graph } from './graph.js';

/**
 * One cycle from every group of tasks that depend on each other. A cycle is a list of indexes, each
 * depending on the next; the first is repeated at the end. Linear in tasks and edges: Tarjan's
 * components without recursion, then the shortest cycle of each.
 *
 * A task with children counts twice: as its end (by its index) and as its start (by its index plus
 * the size of the graph). Its end depends on its children, and they depend on its start.
 */
export function findCycles(graph: Graph): number[][] {
  const cycles: number[][] = [];
  for (const component of componentsOf(graph)) {
    cycles.push(shortestCycle(graph, component).map((step) => step % graph.size));
  }
  return cycles.sort((a, b) => (a[0] as number) - (b[0] as number));
}

/** The strongly connected components of more than one task. */
function componentsOf(graph: Graph): number[][] {
  const components: number[][] = [];
  const discovered = new Int32Array(2 * graph.size).fill(-1);
  const low = new Int32Array(2 * graph.size);
  const open = new Uint8Array(2 * graph.size);
  const stack: number[] = [];
  let clock = 0;

  const enter = (index: number) => {
    discovered[index] = low[index] = clock++;
    open[index] = 1;
    stack.push(index);
    return { index, targets: stepsBefore(graph, index), next: 0 };
  };

  for (let root = 0; root < graph.size; root++) {
    if (discovered[root] !== -1) continue;
    const path = [enter(root)];
    for (let frame = path.at(-1); frame !== undefined; frame = path.at(-1)) {
      const target = frame.targets[frame.next++];
      if (target === undefined) {
        path.pop();
        const parent = path.at(-1)?.index;
        const lowest = low[frame.index] as number;
        if (parent !== undefined) low[parent] = Math.min(low[parent] as number, lowest);
        if (lowest === discovered[frame.index]) {
          const component = stack.splice(stack.lastIndexOf(frame.index));
          for (const member of component) open[member] = 0;
          if (component.length > 1) components.push(component);
        }
      } else if (discovered[target] === -1) {
        path.push(enter(target));
      } else if (open[target] === 1) {
        low[frame.index] = Math.min(low[frame.index] as number, discovered[target] as number);
      }
    }
  }
  return components;
}

/** A breadth-first search from the component's earliest task back to itself. */
function shortestCycle(graph: Graph, component: readonly number[]): number[] {
  const members = new Set(component);
  let start = component[0] as number;
  for (const member of component) start = Math.min(start, member);
  const cameFrom = new Map<number, number>();
  const queue = [start];
  for (const index of queue) {
    for (const dependency of stepsBefore(graph, index)) {
      if (dependency === start) {
        const cycle = [start];
        for (let at = index; at !== start; at = cameFrom.get(at) as number) cycle.push(at);
        return [...cycle, start].reverse();
      }
      if (!members.has(dependency) || cameFrom.has(dependency)) continue;
      cameFrom.set(dependency, index);
      queue.push(dependency);
    }
  }
  throw new Error('a strongly connected component has no cycle');
}

function stepsBefore(graph: Graph, step: number): number[] {
  const index = step % graph.size;
  const before: number[] = [];
  if (step < graph.size && graph.childCount(index) > 0) {
    graph.eachChild(index, (child) => before.push(child));
    before.push(index + graph.size);
    return before;
  }
  graph.eachDependency(index, (dependency) => before.push(dependency));
  const parent = graph.parentOf(index);
  if (parent !== undefined) before.push(parent + graph.size);
  return before;
}
