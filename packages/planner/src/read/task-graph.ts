import type { ParsedTask } from './parsed-task.js';

/** The order of tasks that their dependencies give, through groups and other tasks. */
export class TaskGraph {
  readonly #idOf: (task: ParsedTask) => string;
  readonly #dependencies: ReadonlyMap<ParsedTask, readonly string[]>;
  readonly #byId = new Map<string, ParsedTask>();
  readonly #reach = new Map<ParsedTask, ReadonlySet<ParsedTask>>();

  constructor(
    idOf: (task: ParsedTask) => string,
    dependencies: ReadonlyMap<ParsedTask, readonly string[]>,
  ) {
    this.#idOf = idOf;
    this.#dependencies = dependencies;
    for (const task of dependencies.keys()) {
      const id = this.#idOf(task);
      if (!this.#byId.has(id)) this.#byId.set(id, task);
    }
  }

  /** Whether any dependency is stated. */
  get hasDependencies(): boolean {
    return [...this.#dependencies.values()].some((ids) => ids.length > 0);
  }

  isBefore(task: ParsedTask, other: ParsedTask): boolean {
    return this.#before(other).has(task);
  }

  isOrdered(task: ParsedTask, other: ParsedTask): boolean {
    return this.isBefore(task, other) || this.isBefore(other, task);
  }

  /** All tasks that end before a task starts. */
  #before(task: ParsedTask): ReadonlySet<ParsedTask> {
    const known = this.#reach.get(task);
    if (known !== undefined) return known;
    const before = new Set<ParsedTask>();
    const open: ParsedTask[] = [task];
    // Dependencies of a group hold back its subtasks.
    for (let at = task.parent; at !== undefined; at = at.parent) open.push(at);
    const seen = new Set(open);
    const visit = (each: ParsedTask) => {
      before.add(each);
      if (seen.has(each)) return;
      seen.add(each);
      open.push(each);
    };
    for (const each of open) {
      for (const id of this.#dependencies.get(each) ?? []) {
        const needed = this.#byId.get(id);
        if (needed !== undefined) visit(needed);
      }
      if (before.has(each)) for (const subtask of each.subtasks) visit(subtask);
    }
    this.#reach.set(task, before);
    return before;
  }
}
