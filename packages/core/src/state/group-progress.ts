import type { StreamPosition } from '../contract/event.js';
import type { Graph } from '../graph/graph.js';
import { TaskKind } from '../graph/task-kind.js';

/** For each group, subtasks and fan-outs alike, how far its children are. */
export class GroupProgress {
  /** Groups and fan-outs that had begun and begin again, because their inputs may be others. */
  readonly beginsAgain = new Set<number>();
  readonly #graph: Graph;
  /** How many children have not settled. */
  readonly #unsettled = new Map<number, number>();
  /** Where all children have settled, the position of the event that settled the last. */
  readonly #settledAt = new Map<number, number>();
  /** For each fan-out over a stream that has items, how far it has been read. */
  readonly #streams = new Map<number, StreamPosition>();

  constructor(graph: Graph) {
    this.#graph = graph;
    this.grow(0);
  }

  unsettledChildrenOf(group: number): number {
    return this.#unsettled.get(group) ?? 0;
  }

  /** Position of the event that settled the last child of a group; undefined before that. */
  settledPosition(group: number): number | undefined {
    return this.#settledAt.get(group);
  }

  /** How far the stream of a fan-out has been read; undefined before its first items. */
  streamPosition(group: number): StreamPosition | undefined {
    return this.#streams.get(group);
  }

  /** Whether more children may follow although all that there are have settled: items of a stream. */
  isReading(group: number): boolean {
    const isStream = (this.#graph.kindOf(group) & TaskKind.stream) !== 0;
    return isStream && this.#streams.get(group)?.isEnd !== true;
  }

  /** A fan-out has read more of its stream. */
  hasRead(group: number, position: StreamPosition): void {
    this.#streams.set(group, position);
  }

  /** Counts the tasks from `first` on at their groups. */
  grow(first: number): void {
    const graph = this.#graph;
    if (!graph.hasFamilies) return;
    for (let index = first; index < graph.size; index++) {
      const parent = graph.parentOf(index);
      if (parent !== undefined) {
        this.#unsettled.set(parent, this.unsettledChildrenOf(parent) + 1);
      }
    }
  }

  /** A task has settled, at this position of the log. */
  settled(index: number, position: number): void {
    const parent = this.#graph.parentOf(index);
    if (parent === undefined) return;
    const left = this.unsettledChildrenOf(parent) - 1;
    this.#unsettled.set(parent, left);
    if (left === 0) this.#settledAt.set(parent, position);
  }

  /** A task that had settled runs once more. */
  runsAgain(index: number): void {
    const parent = this.#graph.parentOf(index);
    if (parent === undefined) return;
    this.#unsettled.set(parent, this.unsettledChildrenOf(parent) + 1);
    this.#settledAt.delete(parent);
  }

  /** Notes the groups among these tasks that need another one of them. */
  noteThoseThatBeginAgain(retried: readonly number[]): void {
    const again = new Set(retried);
    for (const index of retried) {
      if (this.#graph.childCount(index) === 0) continue;
      this.#graph.eachDependency(index, (dependency) => {
        if (again.has(dependency)) this.beginsAgain.add(index);
      });
    }
  }

  /** What it keeps to itself, for tests that compare two states. */
  get internals(): Readonly<Record<string, unknown>> {
    const streams = this.#streams;
    return { unsettled: this.#unsettled, settledAt: this.#settledAt, streams };
  }
}
