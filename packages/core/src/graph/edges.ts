import { Columns, enlarge, NONE } from './arrays.js';

/**
 * The edges between tasks, by task index. An edge is stored once, as a dependency of the later
 * task, and linked into the list of the earlier task's dependents: three numbers for each edge, and
 * no array for each task.
 *
 * The arrays are public for the loops of this room, which run once for each edge of a plan.
 */
export class Edges {
  /** The dependencies of task `i` are those from `starts[i]` up to `starts[i + 1]`. */
  starts: Int32Array;
  dependency: Int32Array;
  dependent: Int32Array;
  nextDependent: Int32Array;
  firstDependent: Int32Array;
  #lastDependent: Int32Array;
  #count = 0;
  #isForward = true;
  #hasRepeats = false;

  constructor(tasks: number, edges: number) {
    const ofTasks = new Columns(tasks + 1, 12);
    this.starts = ofTasks.int32();
    this.firstDependent = ofTasks.int32().fill(NONE);
    this.#lastDependent = ofTasks.int32().fill(NONE);
    const ofEdges = new Columns(edges, 12);
    this.dependency = ofEdges.int32();
    this.dependent = ofEdges.int32();
    this.nextDependent = ofEdges.int32();
  }

  get count(): number {
    return this.#count;
  }

  /** Whether each task depends on earlier ones alone: the order of the plan is topological then. */
  get isForward(): boolean {
    return this.#isForward;
  }

  /** Whether a task names the same dependency twice. */
  get hasRepeats(): boolean {
    return this.#hasRepeats;
  }

  /** Adds a dependency of the task whose edges are being stored; `endTask` ends them. */
  add(dependency: number, dependent: number): void {
    const edge = this.#count++;
    if (dependency > dependent) this.#isForward = false;
    this.dependency[edge] = dependency;
    this.dependent[edge] = dependent;
    this.nextDependent[edge] = NONE;
    const last = this.#lastDependent[dependency] as number;
    if (last === NONE) this.firstDependent[dependency] = edge;
    else {
      if (this.dependent[last] === dependent) this.#hasRepeats = true;
      this.nextDependent[last] = edge;
    }
    this.#lastDependent[dependency] = edge;
  }

  endTask(index: number): void {
    this.starts[index + 1] = this.#count;
  }

  grow(tasks: number, edges: number): void {
    const had = this.starts.length;
    if (tasks >= had) {
      const capacity = Math.max(tasks + 1, 2 * had);
      this.starts = enlarge(this.starts, capacity);
      this.firstDependent = enlarge(this.firstDependent, capacity).fill(NONE, had);
      this.#lastDependent = enlarge(this.#lastDependent, capacity).fill(NONE, had);
    }
    if (edges > this.dependency.length) {
      const capacity = Math.max(edges, 2 * this.dependency.length);
      this.dependency = enlarge(this.dependency, capacity);
      this.dependent = enlarge(this.dependent, capacity);
      this.nextDependent = enlarge(this.nextDependent, capacity);
    }
  }
}
