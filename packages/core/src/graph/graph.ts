import { doesOwnWork, type Task, type TaskType } from '../contract/task.js';
import { Columns, enlarge } from './arrays.js';
import { computeCriticalPaths } from './critical-path.js';
import { Edges } from './edges.js';
import { Family, flatten, innerTasksOf } from './family.js';
import { IdIndex } from './id-index.js';
import { TaskKind, taskKindOf } from './task-kind.js';
import { topologicalOrder } from './topological-order.js';

/**
 * The graph of a plan, by task index: dependencies, families of tasks and subtasks, levels and
 * critical paths. The indexes of subtasks come right after that of their parent. Tasks that are
 * added while the plan runs come after all others.
 */
export class Graph {
  /** Whether no tasks wait for each other. */
  readonly acyclic: boolean;

  #tasks: readonly Task[];
  /** Whether the list of tasks is that of the plan, which stays as it is. */
  #isShared: boolean;
  readonly #ids: IdIndex;
  /** For each task, a sum of `TaskKind`s. */
  #kinds: Uint16Array;
  #levels: Int32Array;
  #criticalPaths: Float64Array;
  readonly #edges: Edges;
  /** The length that a task without an estimate adds to a path. */
  readonly #defaultLength: number;
  /** Whether no task has an estimated duration, so that all add the same to a path. */
  #isUniform: boolean;
  /** A sum of all `TaskKind`s that occur. */
  #occurringKinds = 0;
  #hasInvalidDependencies = false;
  /** Undefined while no task has a parent. */
  #family: Family | undefined;

  /**
   * A dependency on an unknown id or on the task itself is left out.
   *
   * @param isFolded Whether the tasks of modules are left out, as a plan is written.
   */
  constructor(tasks: readonly Task[], isFolded = false) {
    this.#isShared = !tasks.some((task) => innerTasksOf(task, isFolded) !== undefined);
    const own: Task[] = [];
    const parents = this.#isShared ? undefined : flatten(tasks, own, isFolded);
    this.#tasks = this.#isShared ? tasks : own;
    const size = this.#tasks.length;
    this.#ids = new IdIndex(this.#tasks);
    this.#kinds = new Uint16Array(size);
    let edges = 0;
    let estimated = 0;
    let estimates = 0;
    for (let index = 0; index < size; index++) {
      const task = this.#tasks[index] as Task;
      const { dependencies, estimate } = task;
      if (dependencies !== undefined) edges += dependencies.length;
      this.#setKind(index, taskKindOf(task));
      if (estimate?.durationMs === undefined) continue;
      estimated += estimate.durationMs;
      estimates++;
    }
    this.#isUniform = estimates === 0;
    this.#edges = new Edges(size, edges);
    if (parents !== undefined) {
      this.#family = new Family(size);
      for (const [index, parent] of parents) this.#family.add(parent, index);
    }
    const columns = new Columns(size, 12);
    this.#criticalPaths = columns.float64();
    this.#levels = columns.int32();
    this.#defaultLength = estimates === 0 ? 1 : estimated / estimates;
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

  /** @param index Of a task of this graph. */
  taskOf(index: number): Task {
    return this.#tasks[index] as Task;
  }

  indexOf(id: string): number | undefined {
    return this.#ids.indexOf(id);
  }

  /** Whether a task names itself, an unknown id, or the same id twice. */
  get hasInvalidDependencies(): boolean {
    return this.#hasInvalidDependencies || this.#edges.hasRepeats;
  }

  ids(): Iterable<string> {
    return this.#tasks.map(({ id }) => id);
  }

  /** A sum of `TaskKind`s; 0 for a plain task. */
  kindOf(index: number): number {
    return this.#kinds[index] as number;
  }

  /** Whether any task is of one of these kinds. */
  hasKind(kinds: number): boolean {
    return (this.#occurringKinds & kinds) !== 0;
  }

  #setKind(index: number, kind: number): void {
    this.#kinds[index] = kind;
    this.#occurringKinds |= kind;
  }

  /** 0 without dependencies, else one more than the highest level among them. */
  levelOf(index: number): number {
    return this.#levels[index] as number;
  }

  /** See `TaskView.criticalPath`. */
  criticalPathOf(index: number): number {
    return this.#criticalPaths[index] as number;
  }

  dependencyCount(index: number): number {
    const { starts } = this.#edges;
    return (starts[index + 1] as number) - (starts[index] as number);
  }

  /** Calls `visit` with the index of each task that `index` waits for, in the order written. */
  eachDependency(index: number, visit: (dependency: number) => void): void {
    const edges = this.#edges;
    const end = edges.starts[index + 1] as number;
    for (let edge = edges.starts[index] as number; edge < end; edge++) {
      visit(edges.dependency[edge] as number);
    }
  }

  /**
   * The edges to the tasks that wait for a task, as a list, for a loop that runs once a task:
   *
   * @example
   * for (let edge = graph.firstEdge(index); edge >= 0; edge = graph.nextEdge(edge)) {
   *   visit(graph.dependentAt(edge));
   * }
   */
  firstEdge(index: number): number {
    return this.#edges.firstDependent[index] as number;
  }

  nextEdge(edge: number): number {
    return this.#edges.nextDependent[edge] as number;
  }

  /** The task that an edge leads to. */
  dependentAt(edge: number): number {
    return this.#edges.dependent[edge] as number;
  }

  /** The dependencies of a task are those of the edges from this one up to that of the next task. */
  firstDependencyEdge(index: number): number {
    return this.#edges.starts[index] as number;
  }

  /** The task that an edge comes from. */
  dependencyAt(edge: number): number {
    return this.#edges.dependency[edge] as number;
  }

  /** Calls `visit` with the index of each task that waits for `index`, in the order of the plan. */
  eachDependent(index: number, visit: (dependent: number) => void): void {
    const edges = this.#edges;
    let edge = edges.firstDependent[index] as number;
    // The arrays are read again each time: `visit` may add tasks.
    while (edge >= 0) {
      visit(edges.dependent[edge] as number);
      edge = edges.nextDependent[edge] as number;
    }
  }

  /** Whether any task has a parent. */
  get hasFamilies(): boolean {
    return this.#family !== undefined;
  }

  /** The task that this one belongs to: as a subtask, an element of a fan-out, an iteration of a loop. */
  parentOf(index: number): number | undefined {
    return this.#family?.parentOf(index);
  }

  /** The nearest module that this task is in; undefined for a task of the plan itself. */
  moduleOf(index: number): number | undefined {
    if (!this.hasKind(TaskKind.module)) return undefined;
    let at = this.parentOf(index);
    while (at !== undefined && (this.kindOf(at) & TaskKind.module) === 0) at = this.parentOf(at);
    return at;
  }

  childCount(index: number): number {
    return this.#family?.childCount(index) ?? 0;
  }

  /** The child that was added last. */
  lastChild(index: number): number | undefined {
    return this.#family?.lastChild(index);
  }

  eachChild(index: number, visit: (child: number) => void): void {
    this.#family?.eachChild(index, visit);
  }

  /**
   * Adds tasks while the plan runs. They may depend on each other and on earlier tasks, and no
   * earlier task depends on them; the caller has checked that.
   *
   * @param parent The task they belong to.
   * @param kinds `TaskKind`s of each of them besides those that follow from its fields.
   * @returns The index of the first; the others, subtasks included, follow it.
   */
  add(tasks: readonly Task[], parent?: number, kinds = 0): number {
    const first = this.size;
    const parents = flatten(tasks, this.#ownTasks());
    const size = this.size;
    let edges = this.#edges.count;
    for (let index = first; index < size; index++) {
      edges += (this.#tasks[index] as Task).dependencies?.length ?? 0;
    }
    this.#edges.grow(size, edges);
    this.#grow(size);
    for (let index = first; index < size; index++) {
      const task = this.#tasks[index] as Task;
      this.#setKind(index, taskKindOf(task) | kinds);
      if (task.estimate !== undefined) this.#isUniform = false;
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

  /** The critical paths by other durations of tasks without an estimate; the graph keeps its own. */
  criticalPathsBy(usualMs: (type: TaskType) => number): Float64Array {
    const paths = new Float64Array(this.size);
    const { steps } = topologicalOrder(this.#edges, this.#family, 0, this.size);
    this.#computeCriticalPaths(paths, steps, 0, usualMs);
    return paths;
  }

  #ownTasks(): Task[] {
    if (this.#isShared) {
      this.#tasks = this.#tasks.slice();
      this.#ids.moveTo(this.#tasks);
      this.#isShared = false;
    }
    return this.#tasks as Task[];
  }

  #grow(size: number): void {
    const had = this.#kinds.length;
    if (size <= had) return;
    const capacity = Math.max(size, 2 * had);
    this.#levels = enlarge(this.#levels, capacity);
    this.#criticalPaths = enlarge(this.#criticalPaths, capacity);
    this.#kinds = enlarge(this.#kinds, capacity);
  }

  /** Stores the edges of the tasks from `first` on. */
  #connect(first: number): void {
    // An id is found fastest soon after it was stored, and most plans only name earlier tasks.
    const { size } = this;
    let stored = first;
    for (let index = first; index < size; index++) {
      const { dependencies } = this.#tasks[index] as Task;
      if (stored === index) {
        this.#ids.storeNext();
        stored++;
      }
      if (dependencies !== undefined) {
        for (let position = 0; position < dependencies.length; position++) {
          const name = dependencies[position] as string;
          let dependency = this.#ids.indexOf(name);
          if (dependency === undefined && stored < size) {
            for (; stored < size; stored++) this.#ids.storeNext();
            dependency = this.#ids.indexOf(name);
          }
          if (dependency === undefined || dependency === index) this.#hasInvalidDependencies = true;
          else this.#edges.add(dependency, index);
        }
      }
      this.#edges.endTask(index);
    }
  }

  /**
   * Computes the levels and critical paths of the tasks from `first` on, which no earlier task
   * depends on. Returns how many of them are on no cycle and behind none.
   */
  #rank(first: number): number {
    const { steps, done } = topologicalOrder(this.#edges, this.#family, first, this.size);
    for (const step of steps) if (step >= 0) this.#levels[step] = this.#computeLevel(step);
    this.#computeCriticalPaths(this.#criticalPaths, steps, first);
    return done;
  }

  #computeLevel(index: number): number {
    const parent = this.#family?.parentOf(index);
    const { starts, dependency } = this.#edges;
    const levels = this.#levels;
    let level = parent === undefined ? 0 : (levels[parent] as number);
    const end = starts[index + 1] as number;
    for (let edge = starts[index] as number; edge < end; edge++) {
      level = Math.max(level, (levels[dependency[edge] as number] as number) + 1);
    }
    return level;
  }

  /** @param usualMs The duration of a task without an estimate; the average of the others by default. */
  #computeCriticalPaths(
    paths: Float64Array,
    steps: Int32Array,
    first: number,
    usualMs?: (type: TaskType) => number,
  ): void {
    const family = this.#family;
    const usual = this.#defaultLength;
    const isUniform = this.#isUniform && family === undefined && usualMs === undefined;
    const ownWork = isUniform
      ? () => usual
      : (index: number) => {
          const task = this.#tasks[index] as Task;
          if (family !== undefined && !doesOwnWork(task)) return 0;
          return task.estimate?.durationMs ?? usualMs?.(task.type ?? 'action') ?? usual;
        };
    const { size } = this;
    computeCriticalPaths(paths, { edges: this.#edges, family, steps, first, size, ownWork });
  }
}
