import type { Graph } from '../graph/graph.js';
import type { RunState } from '../state/run-state.js';

/** What follows from a settled task, for the kernel to do. */
export interface ReadinessHost {
  /** All that a task waited for is settled: it may begin. */
  arrived(index: number, now: number): void;
  /** A task can never begin. */
  skip(
    index: number,
    reason: 'dependency_failed' | 'not_chosen',
    failedTaskId: string | undefined,
    now: number,
  ): void;
  /** All children of a group that has begun are settled. */
  childrenSettled(index: number, now: number): void;
}

/** Counts, for each task, what it still waits for: its dependencies, and its parent's beginning. */
export class Readiness {
  readonly #graph: Graph;
  readonly #state: RunState;
  readonly #host: ReadinessHost;
  readonly #waiting: number[] = [];
  /** For some tasks, how many of their dependencies were not chosen. */
  readonly #notChosen = new Map<number, number>();
  /** For each group that has begun, how many of its children have not settled. */
  readonly #childrenLeft = new Map<number, number>();

  constructor(graph: Graph, state: RunState, host: ReadinessHost) {
    this.#graph = graph;
    this.#state = state;
    this.#host = host;
    this.grow();
  }

  /** The graph has grown. */
  grow(): void {
    for (let index = this.#waiting.length; index < this.#graph.size; index++) {
      this.#waiting.push(this.#before(index));
    }
  }

  /** Lets those tasks begin, of the plan itself, that wait for nothing. */
  start(now: number): void {
    const { size } = this.#graph;
    for (let index = 0; index < size; index++) {
      if (this.#waiting[index] === 0) this.#arrive(index, now);
    }
  }

  /** The same for tasks that were added from `first` on; what they depend on may be long settled. */
  admit(first: number, now: number): void {
    const { size } = this.#graph;
    for (let index = first; index < size; index++) {
      this.#graph.eachDependency(index, (dependency) => {
        // What is added together settles later than this.
        if (dependency < first) this.#recall(dependency, index, now);
      });
      if (this.#before(index) === 0) this.#arrive(index, now);
    }
  }

  /**
   * Takes up a run that was interrupted, from what its tasks have come to.
   *
   * @param settled Tasks in the order in which they settled.
   * @param hasBegun Whether a group that has not settled has begun.
   * @returns Those tasks that are pending and wait for nothing, in the order in which they came to
   * that; of groups that have begun, those whose children have all settled.
   */
  restore(settled: readonly number[], hasBegun: (group: number) => boolean): number[] {
    const graph = this.#graph;
    const state = this.#state;
    const free: number[] = [];
    const release = (index: number) => {
      const waiting = (this.#waiting[index] as number) - 1;
      this.#waiting[index] = waiting;
      if (waiting === 0) free.push(index);
    };
    for (let index = 0; index < graph.size; index++) {
      if (this.#waiting[index] === 0) free.push(index);
    }
    for (let index = 0; graph.hasFamilies && index < graph.size; index++) {
      if (graph.childCount(index) === 0 || state.statusOf(index) !== 'pending') continue;
      if (hasBegun(index)) this.#restoreGroup(index, release);
    }
    for (const index of settled) {
      const isUnchosen = state.reasonOf(index) === 'not_chosen';
      if (state.statusOf(index) !== 'completed' && !isUnchosen) continue;
      graph.eachDependent(index, (dependent) => {
        if (isUnchosen) {
          this.#notChosen.set(dependent, (this.#notChosen.get(dependent) ?? 0) + 1);
        }
        release(dependent);
      });
    }
    return free.filter((index) => {
      if (state.statusOf(index) !== 'pending') return false;
      return graph.childCount(index) === 0 || !this.#childrenLeft.has(index);
    });
  }

  /** Goes on with a task of which `restore` has said that it waits for nothing. */
  arrive(index: number, now: number): void {
    this.#arrive(index, now);
  }

  #restoreGroup(group: number, release: (child: number) => void): void {
    let left = 0;
    this.#graph.eachChild(group, (child) => {
      const status = this.#state.statusOf(child);
      if (status === 'pending' || status === 'running') left++;
      release(child);
    });
    if (left > 0) this.#childrenLeft.set(group, left);
  }

  /** A group begins, and its children with it. */
  open(group: number, now: number): void {
    let left = 0;
    // A child that depends on a failed task outside was skipped before its parent began.
    this.#graph.eachChild(group, (child) => {
      if (this.#state.statusOf(child) === 'pending') left++;
    });
    this.#childrenLeft.set(group, left);
    this.#graph.eachChild(group, (child) => this.#release(child, now));
    if (left === 0) this.#host.childrenSettled(group, now);
  }

  /** Follows what a settled task means for those that depend on it or belong with it. */
  settled(index: number, now: number): void {
    const graph = this.#graph;
    const state = this.#state;
    if (state.statusOf(index) === 'completed') {
      graph.eachDependent(index, (dependent) => this.#release(dependent, now));
    } else if (state.reasonOf(index) === 'not_chosen') {
      graph.eachDependent(index, (dependent) => this.#releaseUnchosen(dependent, now));
      this.skipAfter(index, now);
    } else this.skipAfter(index, now);
    const parent = graph.hasFamilies ? graph.parentOf(index) : undefined;
    if (parent !== undefined) this.#childSettled(parent, now);
  }

  /** What hangs on a task that failed, or that was skipped or canceled, never begins. */
  skipAfter(index: number, now: number): void {
    const state = this.#state;
    const isUnchosen = state.reasonOf(index) === 'not_chosen';
    const failedTaskId = isUnchosen ? undefined : state.failedTaskIdOf(index);
    const reason = isUnchosen ? 'not_chosen' : 'dependency_failed';
    const skip = (other: number) => this.#host.skip(other, reason, failedTaskId, now);
    // What depends on a task that was not chosen may still begin.
    if (!isUnchosen) this.#graph.eachDependent(index, skip);
    this.#graph.eachChild(index, skip);
  }

  #before(index: number): number {
    const parent = this.#graph.parentOf(index);
    return this.#graph.dependencyCount(index) + (parent === undefined ? 0 : 1);
  }

  #release(index: number, now: number): void {
    const waiting = (this.#waiting[index] as number) - 1;
    this.#waiting[index] = waiting;
    if (waiting === 0) this.#arrive(index, now);
  }

  /** Something that it waited for was not chosen: that counts as done, but brings nothing. */
  #releaseUnchosen(index: number, now: number): void {
    this.#notChosen.set(index, (this.#notChosen.get(index) ?? 0) + 1);
    this.#release(index, now);
  }

  #arrive(index: number, now: number): void {
    // A task that waited for a completed dependency may have been skipped for a failed one.
    if (this.#state.statusOf(index) !== 'pending') return;
    const notChosen = this.#notChosen.size === 0 ? undefined : this.#notChosen.get(index);
    if (notChosen !== undefined && notChosen === this.#graph.dependencyCount(index)) {
      this.#host.skip(index, 'not_chosen', undefined, now);
    } else this.#host.arrived(index, now);
  }

  #recall(dependency: number, index: number, now: number): void {
    const state = this.#state;
    const status = state.statusOf(dependency);
    if (status === 'pending' || status === 'running') return;
    if (status === 'completed') this.#release(index, now);
    else if (state.reasonOf(dependency) === 'not_chosen') this.#releaseUnchosen(index, now);
    else this.#host.skip(index, 'dependency_failed', state.failedTaskIdOf(dependency), now);
  }

  #childSettled(parent: number, now: number): void {
    const left = this.#childrenLeft.get(parent);
    if (left === undefined) return; // The parent has not begun, or was skipped before it did.
    this.#childrenLeft.set(parent, left - 1);
    if (left > 1) return;
    this.#childrenLeft.delete(parent);
    this.#host.childrenSettled(parent, now);
  }
}
