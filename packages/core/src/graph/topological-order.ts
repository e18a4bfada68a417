import { NONE } from './arrays.js';
import type { Edges } from './edges.js';
import type { Family } from './family.js';

/** An order of tasks in which dependencies come first. */
export interface TopologicalOrder {
  /**
   * What happens to the tasks, step by step: `index` when a task may start, and `~index` when a
   * task with children is done, after all of them. Tasks on or behind a cycle are left out.
   */
  readonly steps: Int32Array;
  /** How many tasks are done at the end; fewer than all when there is a cycle. */
  readonly done: number;
}

/**
 * Orders the tasks from `first` up to `size`; no earlier task depends on one of them. Kahn's
 * algorithm: a task may start when its dependencies are done and its parent has started. It is done
 * when its children are, and at once when it has none.
 */
export function topologicalOrder(
  edges: Edges,
  family: Family | undefined,
  first: number,
  size: number,
): TopologicalOrder {
  const count = size - first;
  const started = new Int32Array(count);
  if (family === undefined && edges.isForward) {
    for (let position = 0; position < count; position++) started[position] = first + position;
    return { steps: started, done: count };
  }
  const { starts, dependency, dependent, nextDependent, firstDependent } = edges;
  const waiting = new Int32Array(count);
  let startedLength = 0;
  for (let index = first; index < size; index++) {
    let before = 0;
    const end = starts[index + 1] as number;
    for (let edge = starts[index] as number; edge < end; edge++) {
      if ((dependency[edge] as number) >= first) before++;
    }
    if ((family?.parentOf(index) ?? NONE) >= first) before++;
    waiting[index - first] = before;
    if (before === 0) started[startedLength++] = index;
  }
  const release = (index: number) => {
    const left = (waiting[index - first] as number) - 1;
    waiting[index - first] = left;
    if (left === 0) started[startedLength++] = index;
  };
  const releaseDependents = (index: number) => {
    let edge = firstDependent[index] as number;
    while (edge !== NONE) {
      release(dependent[edge] as number);
      edge = nextDependent[edge] as number;
    }
  };
  if (family === undefined) {
    for (let next = 0; next < startedLength; next++) releaseDependents(started[next] as number);
    return { steps: started.subarray(0, startedLength), done: startedLength };
  }

  const steps = new Int32Array(2 * count);
  let stepsLength = 0;
  let done = 0;
  const childrenLeft = new Int32Array(count);
  const finish = (index: number) => {
    for (let at = index; ; ) {
      done++;
      releaseDependents(at);
      const parent = family.parentOf(at) ?? NONE;
      if (parent < first) return;
      const left = (childrenLeft[parent - first] as number) - 1;
      childrenLeft[parent - first] = left;
      if (left > 0) return;
      steps[stepsLength++] = ~parent;
      at = parent;
    }
  };
  for (let next = 0; next < startedLength; next++) {
    const index = started[next] as number;
    steps[stepsLength++] = index;
    const children = family.childCount(index);
    if (children === 0) finish(index);
    else {
      childrenLeft[index - first] = children;
      family.eachChild(index, release);
    }
  }
  return { steps: steps.subarray(0, stepsLength), done };
}
