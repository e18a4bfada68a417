import type { Task } from './task.js';

/** Marks the end of a list of edges. */
const NONE = -1;

/**
 * The dependency graph of a plan, by task index: who waits for whom, levels and critical paths.
 *
 * An edge is stored once, as a dependency of the later task, and threaded into the list of the
 * earlier task's dependents: three numbers an edge, no array a task.
 */
export class Graph {
  readonly tasks: readonly Task[];
  /** 0 without dependencies, else one more than the highest level among them. */
  readonly levels: Int32Array;
  /** See `TaskView.criticalPath`. */
  readonly criticalPaths: Float64Array;
  /** Whether every task can be reached in dependency order; false when there is a cycle. */
  readonly acyclic: boolean;

  readonly #indexes = new Map<string, number>();
  /** Edges of task `i` are `#edgesEnd[i - 1]` (or 0) to `#edgesEnd[i]`. */
  readonly #edgesEnd: Int32Array;
  readonly #dependency: Int32Array;
  readonly #dependent: Int32Array;
  readonly #firstDependent: Int32Array;
  readonly #nextDependent: Int32Array;

  /** A dependency on an unknown id or on the task itself is left out. */
  constructor(tasks: readonly Task[]) {
    this.tasks = tasks;
    const size = tasks.length;
    let edges = 0;
    for (let index = 0; index < size; index++) {
      edges += (tasks[index] as Task).dependencies?.length ?? 0;
    }
    this.#edgesEnd = new Int32Array(size);
    this.#dependency = new Int32Array(edges);
    this.#dependent = new Int32Array(edges);
    this.#firstDependent = new Int32Array(size).fill(NONE);
    this.#nextDependent = new Int32Array(edges).fill(NONE);
    this.#connect();
    const order = this.#topologicalOrder();
    this.acyclic = order.length === size;
    this.levels = this.#computeLevels(order);
    this.criticalPaths = this.#computeCriticalPaths(order);
  }

  get size(): number {
    return this.tasks.length;
  }

  /** Fewer than `size` when an id is used twice. */
  get uniqueIds(): number {
    return this.#indexes.size;
  }

  indexOf(id: string): number | undefined {
    return this.#indexes.get(id);
  }

  ids(): Iterable<string> {
    return this.#indexes.keys();
  }

  dependencyCount(index: number): number {
    return (this.#edgesEnd[index] as number) - this.#edgesStart(index);
  }

  /** Calls `visit` with the index of each task that `index` waits for, in the order written. */
  eachDependency(index: number, visit: (dependency: number) => void): void {
    const end = this.#edgesEnd[index] as number;
    for (let edge = this.#edgesStart(index); edge < end; edge++) {
      visit(this.#dependency[edge] as number);
    }
  }

  /** Calls `visit` with the index of each task that waits for `index`, in the order of the plan. */
  eachDependent(index: number, visit: (dependent: number) => void): void {
    let edge = this.#firstDependent[index] as number;
    while (edge !== NONE) {
      visit(this.#dependent[edge] as number);
      edge = this.#nextDependent[edge] as number;
    }
  }

  #edgesStart(index: number): number {
    return index === 0 ? 0 : (this.#edgesEnd[index - 1] as number);
  }

  #connect(): void {
    // An id is found fastest soon after it was stored, and most plans only name earlier tasks.
    let stored = 0;
    let edges = 0;
    const storeUntil = (end: number) => {
      for (; stored < end; stored++) this.#indexes.set((this.tasks[stored] as Task).id, stored);
    };
    for (let index = 0; index < this.size; index++) {
      storeUntil(index + 1);
      for (const id of (this.tasks[index] as Task).dependencies ?? []) {
        let dependency = this.#indexes.get(id);
        if (dependency === undefined && stored < this.size) {
          storeUntil(this.size);
          dependency = this.#indexes.get(id);
        }
        if (dependency === undefined || dependency === index) continue;
        this.#dependency[edges] = dependency;
        this.#dependent[edges++] = index;
      }
      this.#edgesEnd[index] = edges;
    }
    // Threaded from the last edge to the first, so that each list comes out in plan order.
    for (let edge = edges - 1; edge >= 0; edge--) {
      const dependency = this.#dependency[edge] as number;
      this.#nextDependent[edge] = this.#firstDependent[dependency] as number;
      this.#firstDependent[dependency] = edge;
    }
  }

  /** Kahn's algorithm; shorter than the plan when there is a cycle. */
  #topologicalOrder(): Int32Array {
    const waiting = new Int32Array(this.size);
    const order = new Int32Array(this.size);
    let length = 0;
    for (let index = 0; index < this.size; index++) {
      const count = this.dependencyCount(index);
      waiting[index] = count;
      if (count === 0) order[length++] = index;
    }
    for (let next = 0; next < length; next++) {
      let edge = this.#firstDependent[order[next] as number] as number;
      while (edge !== NONE) {
        const dependent = this.#dependent[edge] as number;
        waiting[dependent] = (waiting[dependent] as number) - 1;
        if (waiting[dependent] === 0) order[length++] = dependent;
        edge = this.#nextDependent[edge] as number;
      }
    }
    return order.subarray(0, length);
  }

  #computeLevels(order: Int32Array): Int32Array {
    const levels = new Int32Array(this.size);
    for (const index of order) {
      const end = this.#edgesEnd[index] as number;
      let level = 0;
      for (let edge = this.#edgesStart(index); edge < end; edge++) {
        level = Math.max(level, (levels[this.#dependency[edge] as number] as number) + 1);
      }
      levels[index] = level;
    }
    return levels;
  }

  #computeCriticalPaths(order: Int32Array): Float64Array {
    const usual = averageEstimate(this.tasks) ?? 1;
    const paths = new Float64Array(this.size);
    for (let position = order.length - 1; position >= 0; position--) {
      const index = order[position] as number;
      let below = 0;
      let edge = this.#firstDependent[index] as number;
      while (edge !== NONE) {
        below = Math.max(below, paths[this.#dependent[edge] as number] as number);
        edge = this.#nextDependent[edge] as number;
      }
      paths[index] = below + ((this.tasks[index] as Task).estimate?.durationMs ?? usual);
    }
    return paths;
  }
}

function averageEstimate(tasks: readonly Task[]): number | undefined {
  let total = 0;
  let count = 0;
  for (const { estimate } of tasks) {
    if (estimate?.durationMs === undefined) continue;
    total += estimate.durationMs;
    count++;
  }
  return count === 0 ? undefined : total / count;
}
