import type { Task } from '../contract/task.js';
import type { Graph } from '../graph/graph.js';
import type { RunState } from './run-state.js';

/** Finds the failure, among those that nothing has made up for, that a task was dropped for. */
export class OpenFailures {
  readonly #state: RunState;
  readonly #graph: Graph;
  /** Of groups, which may have many children and many that depend on them. */
  readonly #known = new Map<number, string | undefined>();

  constructor(state: RunState) {
    this.#state = state;
    this.#graph = state.graph;
  }

  behind(index: number): string | undefined {
    const state = this.#state;
    if (state.failures.has(index)) return this.#id(index);
    if (state.failures.replacedIn(index) !== undefined) return undefined;
    if (state.statusOf(index) === 'failed') return this.#amongChildren(index);
    const failedTaskId = state.failedTaskIdOf(index);
    const failed = failedTaskId === undefined ? undefined : this.#graph.indexOf(failedTaskId);
    return failed === undefined ? undefined : this.behind(failed);
  }

  #amongChildren(group: number): string | undefined {
    if (this.#known.has(group)) return this.#known.get(group);
    let found: string | undefined;
    // A group that failed before its children began: they were skipped for it.
    this.#known.set(group, undefined);
    this.#graph.eachChild(group, (child) => {
      if (this.#state.statusOf(child) !== 'completed') found ??= this.behind(child);
    });
    this.#known.set(group, found);
    return found;
  }

  #id(index: number): string {
    return (this.#graph.tasks[index] as Task).id;
  }
}
