import { subtasksOf } from '../contract/module.js';
import { isTemplate, type Task } from '../contract/task.js';
import { enlarge, NONE } from './arrays.js';

/** The parent and the children of each task, by task index. */
export class Family {
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

  lastChild(index: number): number | undefined {
    const last = this.#last[index] ?? NONE;
    return last === NONE ? undefined : last;
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

/**
 * The tasks of a graph that are within a task. The subtasks of a fan-out or a loop are a template for its
 * children and are left out.
 */
export function innerTasksOf(task: Task, isFolded: boolean): readonly Task[] | undefined {
  if (isTemplate(task)) return undefined;
  return isFolded ? task.subtasks : subtasksOf(task);
}

/**
 * Appends tasks, each followed by those within it.
 *
 * @param isFolded Whether the tasks of modules are left out as well.
 * @returns The parent of each subtask, by index; undefined when there are none.
 */
export function flatten(
  tasks: readonly Task[],
  into: Task[],
  isFolded = false,
): Map<number, number> | undefined {
  let parents: Map<number, number> | undefined;
  const append = (list: readonly Task[], parent: number | undefined) => {
    for (let position = 0; position < list.length; position++) {
      const task = list[position] as Task;
      const index = into.push(task) - 1;
      if (parent !== undefined) {
        parents ??= new Map();
        parents.set(index, parent);
      }
      const inner = innerTasksOf(task, isFolded);
      if (inner !== undefined) append(inner, index);
    }
  };
  append(tasks, undefined);
  return parents;
}
