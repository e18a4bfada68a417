import { enlarge } from '../graph/arrays.js';
import { TaskKind } from '../graph/task-kind.js';
import type { TaskStates } from './task-states.js';

/** How many dependencies each task still waits for, and since when it waits for none. */
export class DependencyWaits {
  /**
   * Tasks whose last dependency has just settled, in order; the kernel takes them out. Undefined for
   * a reader that does not need them.
   */
  unblocked: { push(index: number): void } | undefined;
  readonly #tasks: TaskStates;
  /**
   * For a task that waits, its dependencies that have neither completed nor been skipped as not chosen;
   * for one that runs after failures, those that have not settled. For a task that waits for nothing, the
   * position of the event that unblocked it, with a minus sign.
   */
  #counts: Int32Array;
  /** For some tasks, how many of their dependencies were not chosen. */
  readonly #notChosen = new Map<number, number>();

  constructor(tasks: TaskStates) {
    const { graph } = tasks;
    this.#tasks = tasks;
    this.#counts = new Int32Array(graph.size);
    for (let index = 0; index < graph.size; index++) {
      this.#counts[index] = graph.dependencyCount(index);
    }
  }

  isBlocked(index: number): boolean {
    return (this.#counts[index] as number) > 0;
  }

  /** Position of the event that unblocked a task; 0 for one that waits. */
  unblockedPosition(index: number): number {
    return (this.#counts[index] as number) > 0 ? 0 : -(this.#counts[index] as number);
  }

  /** Whether any task depends on one that was not chosen. */
  get hasUnchosen(): boolean {
    return this.#notChosen.size > 0;
  }

  /** Whether the task has dependencies, and none of them was chosen. */
  hasOnlyUnchosen(index: number): boolean {
    return this.#notChosen.get(index) === this.#tasks.graph.dependencyCount(index);
  }

  /** The run begins: tasks without dependencies wait for nothing. */
  unblockRoots(): void {
    const { unblocked } = this;
    if (unblocked === undefined) return;
    for (let index = 0; index < this.#tasks.graph.size; index++) {
      if (this.#counts[index] === 0) unblocked.push(index);
    }
  }

  /**
   * A task has settled, at this position of the log: one dependency less for those that wait for it.
   *
   * @param how A task that was not chosen counts as settled but provides no output. One that was lost
   * ended without an output for another reason: only tasks that run after failures wait for it no more.
   */
  settled(index: number, position: number, how: 'completed' | 'lost' | 'not_chosen'): void {
    const { graph } = this.#tasks;
    if (how === 'lost' && !graph.hasKind(TaskKind.afterAny)) return;
    for (let edge = graph.firstEdge(index); edge >= 0; edge = graph.nextEdge(edge)) {
      const dependent = graph.dependentAt(edge);
      if (how === 'lost' && !this.#tasks.runsAfterFailure(dependent)) continue;
      if (how === 'not_chosen') {
        this.#notChosen.set(dependent, (this.#notChosen.get(dependent) ?? 0) + 1);
      }
      const left = (this.#counts[dependent] as number) - 1;
      this.#counts[dependent] = left > 0 ? left : -position;
      if (left <= 0) this.unblocked?.push(dependent);
    }
  }

  /**
   * The dependents of a task that runs again wait for it again.
   *
   * @param hadCompleted Whether it had completed; otherwise it had failed or was skipped.
   */
  blockAgain(index: number, hadCompleted: boolean, blocked: (dependent: number) => void): void {
    const tasks = this.#tasks;
    const { graph } = tasks;
    const isNotChosen = tasks.isNotChosen(index);
    const unblockedAll = hadCompleted || isNotChosen;
    if (!unblockedAll && !graph.hasKind(TaskKind.afterAny)) return;
    graph.eachDependent(index, (dependent) => {
      if (!unblockedAll && !tasks.runsAfterFailure(dependent)) return;
      this.#counts[dependent] = Math.max(0, this.#counts[dependent] as number) + 1;
      blocked(dependent);
      if (!isNotChosen) return;
      const left = (this.#notChosen.get(dependent) as number) - 1;
      if (left === 0) this.#notChosen.delete(dependent);
      else this.#notChosen.set(dependent, left);
    });
  }

  /** Tasks from `first` on were added, which may depend on tasks that settled long ago. */
  grow(first: number, position: number): void {
    const tasks = this.#tasks;
    const { graph } = tasks;
    const { size } = graph;
    this.#enlarge(size);
    const countSettled = (dependency: number): void => {
      if (dependency >= first || !tasks.isSettled(dependency)) return;
      if (tasks.isCompleted(dependency)) waits--;
      else if (tasks.isNotChosen(dependency)) {
        waits--;
        notChosen++;
      } else if (runsAfterFailure) waits--;
    };
    let waits = 0;
    let notChosen = 0;
    let runsAfterFailure = false;
    for (let index = first; index < size; index++) {
      waits = graph.dependencyCount(index);
      notChosen = 0;
      runsAfterFailure = tasks.runsAfterFailure(index);
      graph.eachDependency(index, countSettled);
      this.#counts[index] = waits > 0 ? waits : -position;
      if (notChosen > 0) this.#notChosen.set(index, notChosen);
      // Children begin with their group.
      if (waits === 0 && graph.parentOf(index) === undefined) this.unblocked?.push(index);
    }
  }

  #enlarge(size: number): void {
    const had = this.#counts.length;
    if (size <= had) return;
    const capacity = Math.max(size, 2 * had);
    this.#counts = enlarge(this.#counts, capacity);
  }

  /** What it keeps to itself, for tests that compare two states. */
  get internals(): Readonly<Record<string, unknown>> {
    return { counts: this.#counts, notChosen: this.#notChosen };
  }
}
