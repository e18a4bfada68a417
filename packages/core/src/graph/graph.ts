import { doesOwnWork, hasSubtasks, type Task, type TaskType } from '../contract/task.js';
import { IdIndex } from './id-index.js';

/** Marks the end of a list. */
const NONE = -1;

/** What is special about a task; most have nothing, and the kernel need look no further. */
export const Trait = {
  /** Runs under a condition. */
  when: 1,
  /** A fan-out: has a child for each element of a list. */
  forEach: 2,
  /** Has subtasks. */
  subtasks: 4,
  /** Waits for a human. */
  waitFor: 8,
  /** A failure of it, or of what it belongs to, is for a fan-out to judge. */
  item: 16,
} as const;

/**
 * The graph of a plan, by task index: who waits for whom, who belongs to whom, levels and critical
 * paths. Subtasks have indexes of their own, right after their parent; tasks that are added while
 * the plan runs come after all others.
 *
 * An edge is stored once, as a dependency of the later task, and threaded into the list of the
 * earlier task's dependents: three numbers an edge, no array a task.
 */
export class Graph {
  /** 0 without dependencies, else one more than the highest level among them. */
  levels: Int32Array;
  /** See `TaskView.criticalPath`. */
  criticalPaths: Float64Array;
  /** Whether every task can be reached in dependency order; false when there is a cycle. */
  readonly acyclic: boolean;

  readonly #tasks: Task[] = [];
  readonly #ids: IdIndex;
  /** For each task, a sum of `Trait`s. */
  #traits: Uint8Array;
  /** Edges of task `i` are `#edgesEnd[i - 1]` (or 0) to `#edgesEnd[i]`. */
  #edgesEnd: Int32Array;
  #dependency: Int32Array;
  #dependent: Int32Array;
  #nextDependent: Int32Array;
  #firstDependent: Int32Array;
  #lastDependent: Int32Array;
  #edges = 0;
  /** What a task without an estimate counts as on a path. */
  readonly #usual: number;
  /** Only when some task has a parent; otherwise empty. */
  #family: Family | undefined;

  /** A dependency on an unknown id or on the task itself is left out. */
  constructor(tasks: readonly Task[]) {
    const parents = flatten(tasks, this.#tasks);
    const size = this.#tasks.length;
    this.#ids = new IdIndex(size);
    this.#traits = new Uint8Array(size);
    let edges = 0;
    for (let index = 0; index < size; index++) {
      const task = this.#tasks[index] as Task;
      edges += task.dependencies?.length ?? 0;
      this.#traits[index] = traitsOf(task);
    }
    this.#edgesEnd = new Int32Array(size);
    this.#dependency = new Int32Array(edges);
    this.#dependent = new Int32Array(edges);
    this.#nextDependent = new Int32Array(edges);
    this.#firstDependent = new Int32Array(size).fill(NONE);
    this.#lastDependent = new Int32Array(size).fill(NONE);
    if (parents !== undefined) {
      this.#family = new Family(size);
      for (const [index, parent] of parents) this.#family.add(parent, index);
    }
    this.levels = new Int32Array(size);
    this.criticalPaths = new Float64Array(size);
    this.#usual = averageEstimate(this.#tasks) ?? 1;
    this.#connect(0);
    this.acyclic = this.#rank(0) === size;
  }

  get tasks(): readonly Task[] {
    return this.#tasks;
  }

  get size(): number {
    return this.#tasks.length;
  }

  /** Fewer than `size` when an id is used twice. */
  get uniqueIds(): number {
    return this.#ids.uniqueIds;
  }

  indexOf(id: string): number | undefined {
    return this.#ids.indexOf(id);
  }

  ids(): Iterable<string> {
    return this.#ids.ids();
  }

  /** A sum of `Trait`s; 0 for a plain task. */
  traitsOf(index: number): number {
    return this.#traits[index] as number;
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

  /** Whether any task belongs to another one. */
  get hasFamilies(): boolean {
    return this.#family !== undefined;
  }

  /** The task that this one belongs to, as a subtask or as an element of its fan-out. */
  parentOf(index: number): number | undefined {
    return this.#family?.parentOf(index);
  }

  childCount(index: number): number {
    return this.#family?.childCount(index) ?? 0;
  }

  eachChild(index: number, visit: (child: number) => void): void {
    this.#family?.eachChild(index, visit);
  }

  /**
   * Adds tasks while the plan runs. They may depend on each other and on what is there already,
   * never the other way round; the caller has checked them.
   *
   * @param parent The task they belong to.
   * @param traits What is special about each of them besides what it says itself.
   * @returns The index of the first; the others, subtasks included, follow it.
   */
  add(tasks: readonly Task[], parent?: number, traits = 0): number {
    const first = this.size;
    const parents = flatten(tasks, this.#tasks);
    const size = this.size;
    let edges = this.#edges;
    for (let index = first; index < size; index++) {
      edges += (this.#tasks[index] as Task).dependencies?.length ?? 0;
    }
    this.#grow(size, edges);
    for (let index = first; index < size; index++) {
      this.#traits[index] = traitsOf(this.#tasks[index] as Task) | traits;
    }
    if (parent !== undefined || parents !== undefined) {
      this.#family ??= new Family(size);
      this.#family.grow(size);
      for (let index = first; index < size; index++) {
        const owner = parents?.get(index) ?? parent;
        if (owner !== undefined) this.#family.add(owner, index);
      }
    }
    this.#connect(first);
    this.#rank(first);
    return first;
  }

  #edgesStart(index: number): number {
    return index === 0 ? 0 : (this.#edgesEnd[index - 1] as number);
  }

  /** Stores the edges of the tasks from `first` on. */
  #connect(first: number): void {
    // An id is found fastest soon after it was stored, and most plans only name earlier tasks.
    const { size } = this;
    let stored = first;
    const storeUntil = (end: number) => {
      for (; stored < end; stored++) this.#ids.push((this.#tasks[stored] as Task).id);
    };
    for (let index = first; index < size; index++) {
      storeUntil(index + 1);
      for (const id of (this.#tasks[index] as Task).dependencies ?? []) {
        let dependency = this.#ids.indexOf(id);
        if (dependency === undefined && stored < size) {
          storeUntil(size);
          dependency = this.#ids.indexOf(id);
        }
        if (dependency !== undefined && dependency !== index) this.#addEdge(dependency, index);
      }
      this.#edgesEnd[index] = this.#edges;
    }
  }

  #addEdge(dependency: number, dependent: number): void {
    const edge = this.#edges++;
    this.#dependency[edge] = dependency;
    this.#dependent[edge] = dependent;
    this.#nextDependent[edge] = NONE;
    const last = this.#lastDependent[dependency] as number;
    if (last === NONE) this.#firstDependent[dependency] = edge;
    else this.#nextDependent[last] = edge;
    this.#lastDependent[dependency] = edge;
  }

  #grow(size: number, edges: number): void {
    const had = this.#edgesEnd.length;
    if (size > had) {
      const capacity = Math.max(size, 2 * had);
      this.levels = enlarge(this.levels, capacity);
      this.criticalPaths = enlarge(this.criticalPaths, capacity);
      this.#traits = enlarge(this.#traits, capacity);
      this.#edgesEnd = enlarge(this.#edgesEnd, capacity);
      this.#firstDependent = enlarge(this.#firstDependent, capacity).fill(NONE, had);
      this.#lastDependent = enlarge(this.#lastDependent, capacity).fill(NONE, had);
    }
    if (edges > this.#dependency.length) {
      const capacity = Math.max(edges, 2 * this.#dependency.length);
      this.#dependency = enlarge(this.#dependency, capacity);
      this.#dependent = enlarge(this.#dependent, capacity);
      this.#nextDependent = enlarge(this.#nextDependent, capacity);
    }
  }

  /**
   * Puts the tasks from `first` on, which nothing before them waits for, in order, and computes
   * their levels and critical paths. Returns how many could be put in order.
   */
  #rank(first: number): number {
    const { opened, done } = this.#topologicalOrder(first);
    for (const index of opened) this.levels[index] = this.#levelOf(index);
    this.#computeCriticalPaths(this.criticalPaths, done, first, () => this.#usual);
    return done.length;
  }

  /** The critical paths by other durations of tasks without an estimate; the graph keeps its own. */
  criticalPathsBy(usualMs: (type: TaskType) => number): Float64Array {
    const paths = new Float64Array(this.size);
    this.#computeCriticalPaths(paths, this.#topologicalOrder(0).done, 0, usualMs);
    return paths;
  }

  /**
   * Kahn's algorithm, over two steps a task: it opens when its dependencies are done and its
   * parent has opened, and is done when its children are.
   */
  #topologicalOrder(first: number): { opened: Int32Array; done: Int32Array } {
    const { size } = this;
    const count = size - first;
    const family = this.#family;
    const waiting = new Int32Array(count);
    const opened = new Int32Array(count);
    let openedLength = 0;
    for (let index = first; index < size; index++) {
      let before = 0;
      if (first === 0) before = this.dependencyCount(index);
      else this.eachDependency(index, (dependency) => (before += dependency >= first ? 1 : 0));
      if ((family?.parentOf(index) ?? NONE) >= first) before++;
      waiting[index - first] = before;
      if (before === 0) opened[openedLength++] = index;
    }
    const release = (index: number) => {
      const left = (waiting[index - first] as number) - 1;
      waiting[index - first] = left;
      if (left === 0) opened[openedLength++] = index;
    };
    // Without families, a task is done when it opens, and the two lists are one.
    const done = family === undefined ? opened : new Int32Array(count);
    const childrenLeft = new Int32Array(family === undefined ? 0 : count);
    let doneLength = 0;
    const finish = (index: number) => {
      for (let at = index; at >= first; ) {
        done[doneLength++] = at;
        let edge = this.#firstDependent[at] as number;
        while (edge !== NONE) {
          release(this.#dependent[edge] as number);
          edge = this.#nextDependent[edge] as number;
        }
        const parent = family?.parentOf(at) ?? NONE;
        if (parent < first) return;
        const left = (childrenLeft[parent - first] as number) - 1;
        childrenLeft[parent - first] = left;
        if (left > 0) return;
        at = parent;
      }
    };
    for (let next = 0; next < openedLength; next++) {
      const index = opened[next] as number;
      const children = family?.childCount(index) ?? 0;
      if (children === 0) finish(index);
      else {
        childrenLeft[index - first] = children;
        family?.eachChild(index, release);
      }
    }
    return { opened: opened.subarray(0, openedLength), done: done.subarray(0, doneLength) };
  }

  #levelOf(index: number): number {
    const parent = this.#family?.parentOf(index);
    let level = parent === undefined ? 0 : (this.levels[parent] as number);
    const end = this.#edgesEnd[index] as number;
    for (let edge = this.#edgesStart(index); edge < end; edge++) {
      level = Math.max(level, (this.levels[this.#dependency[edge] as number] as number) + 1);
    }
    return level;
  }

  #computeCriticalPaths(
    paths: Float64Array,
    done: Int32Array,
    first: number,
    usual: (type: TaskType) => number,
  ): void {
    const family = this.#family;
    // For each task, what follows when its children are done.
    const tails = new Float64Array(family === undefined ? 0 : this.size - first);
    for (let position = done.length - 1; position >= 0; position--) {
      const index = done[position] as number;
      const parent = family?.parentOf(index);
      let below = 0;
      if (parent !== undefined) {
        below =
          parent >= first
            ? (tails[parent - first] as number)
            : (paths[parent] as number) - this.#ownWork(parent, usual);
      }
      let edge = this.#firstDependent[index] as number;
      while (edge !== NONE) {
        below = Math.max(below, paths[this.#dependent[edge] as number] as number);
        edge = this.#nextDependent[edge] as number;
      }
      const path = below + this.#ownWork(index, usual);
      paths[index] = path;
      if (family === undefined) continue;
      tails[index - first] = path;
      // In this direction a parent comes before its children, and what leads to it after them.
      for (let above = parent ?? NONE; above >= first; above = family.parentOf(above) ?? NONE) {
        paths[above] = Math.max(paths[above] as number, path);
      }
    }
  }

  /** What a task adds to a path by itself. */
  #ownWork(index: number, usual: (type: TaskType) => number): number {
    const task = this.#tasks[index] as Task;
    return this.#family === undefined || doesOwnWork(task)
      ? (task.estimate?.durationMs ?? usual(task.type ?? 'action'))
      : 0;
  }
}

/** Parents and children. */
class Family {
  #parent: Int32Array;
  #count: Int32Array;
  #first: Int32Array;
  #last: Int32Array;
  #next: Int32Array;

  constructor(size: number) {
    this.#parent = new Int32Array(size).fill(NONE);
    this.#count = new Int32Array(size);
    this.#first = new Int32Array(size).fill(NONE);
    this.#last = new Int32Array(size).fill(NONE);
    this.#next = new Int32Array(size).fill(NONE);
  }

  add(parent: number, child: number): void {
    this.#parent[child] = parent;
    this.#count[parent] = (this.#count[parent] as number) + 1;
    const last = this.#last[parent] as number;
    if (last === NONE) this.#first[parent] = child;
    else this.#next[last] = child;
    this.#last[parent] = child;
  }

  parentOf(index: number): number | undefined {
    const parent = this.#parent[index] ?? NONE;
    return parent === NONE ? undefined : parent;
  }

  childCount(index: number): number {
    return this.#count[index] ?? 0;
  }

  eachChild(index: number, visit: (child: number) => void): void {
    let child = this.#first[index] ?? NONE;
    while (child !== NONE) {
      visit(child);
      child = this.#next[child] as number;
    }
  }

  grow(size: number): void {
    const had = this.#parent.length;
    if (size <= had) return;
    const capacity = Math.max(size, 2 * had);
    this.#parent = enlarge(this.#parent, capacity).fill(NONE, had);
    this.#count = enlarge(this.#count, capacity);
    this.#first = enlarge(this.#first, capacity).fill(NONE, had);
    this.#last = enlarge(this.#last, capacity).fill(NONE, had);
    this.#next = enlarge(this.#next, capacity).fill(NONE, had);
  }
}

function enlarge<T extends Int32Array | Float64Array | Uint8Array>(array: T, capacity: number): T {
  const larger = new (array.constructor as new (length: number) => T)(capacity);
  larger.set(array);
  return larger;
}

/**
 * Appends tasks, each followed by its subtasks. The subtasks of a fan-out are a pattern for its
 * children and no tasks yet.
 *
 * @returns The parent of each subtask, by index; undefined when there are none.
 */
function flatten(tasks: readonly Task[], into: Task[]): Map<number, number> | undefined {
  if (!tasks.some(hasSubtasks)) {
    for (const task of tasks) into.push(task);
    return undefined;
  }
  let parents: Map<number, number> | undefined;
  const append = (list: readonly Task[], parent: number | undefined) => {
    for (const task of list) {
      const index = into.push(task) - 1;
      if (parent !== undefined) {
        parents ??= new Map();
        parents.set(index, parent);
      }
      if (task.subtasks !== undefined && task.forEach === undefined) append(task.subtasks, index);
    }
  };
  append(tasks, undefined);
  return parents;
}

function traitsOf(task: Task): number {
  return (
    (task.when === undefined ? 0 : Trait.when) |
    (task.forEach === undefined ? 0 : Trait.forEach) |
    (hasSubtasks(task) ? Trait.subtasks : 0) |
    (task.waitFor === undefined ? 0 : Trait.waitFor)
  );
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
