import { NONE } from './arrays.js';
import type { Edges } from './edges.js';
import type { Family } from './family.js';

/** What the critical paths of tasks are computed from. */
export interface PathInputs {
  readonly edges: Edges;
  readonly family: Family | undefined;
  /** See `TopologicalOrder`. */
  readonly steps: Int32Array;
  /** The first task to compute; earlier ones have their paths already. */
  readonly first: number;
  readonly size: number;
  /** The length that a task adds to a path by itself. */
  readonly ownWork: (index: number) => number;
}

/**
 * Writes the critical path of each task of `steps` into `paths`, where it must be 0 before. Each
 * edge is read once: in reverse order, a task raises the paths of its dependencies.
 */
export function computeCriticalPaths(paths: Float64Array, inputs: PathInputs): void {
  const { edges, family, steps, first, ownWork } = inputs;
  if (family !== undefined) {
    computeWithFamilies(paths, family, inputs);
    return;
  }
  const { starts, dependency } = edges;
  for (let position = steps.length - 1; position >= 0; position--) {
    const index = steps[position] as number;
    // Until here, it held the longest path of a dependent.
    const path = (paths[index] as number) + ownWork(index);
    paths[index] = path;
    const end = starts[index + 1] as number;
    for (let edge = starts[index] as number; edge < end; edge++) {
      const before = dependency[edge] as number;
      if (before >= first && (paths[before] as number) < path) paths[before] = path;
    }
  }
}

function computeWithFamilies(paths: Float64Array, family: Family, inputs: PathInputs): void {
  const { edges, steps, first, size, ownWork } = inputs;
  // The path of each task from when its children are done; its own work comes after them.
  const tails = new Float64Array(size - first);
  const raise = (array: Float64Array, at: number, path: number) => {
    if ((array[at] as number) < path) array[at] = path;
  };
  const addTail = (index: number) => {
    const parent = family.parentOf(index) ?? NONE;
    if (parent >= first) raise(tails, index - first, tails[parent - first] as number);
    else if (parent !== NONE) {
      raise(tails, index - first, (paths[parent] as number) - ownWork(parent));
    }
    tails[index - first] = (tails[index - first] as number) + ownWork(index);
  };
  for (let position = steps.length - 1; position >= 0; position--) {
    const step = steps[position] as number;
    if (step < 0) {
      addTail(~step);
      continue;
    }
    if (family.childCount(step) === 0) addTail(step);
    raise(paths, step, tails[step - first] as number);
    const path = paths[step] as number;
    const parent = family.parentOf(step) ?? NONE;
    if (parent >= first) raise(paths, parent, path);
    const end = edges.starts[step + 1] as number;
    for (let edge = edges.starts[step] as number; edge < end; edge++) {
      const before = edges.dependency[edge] as number;
      if (before >= first) raise(tails, before - first, path);
    }
  }
}
