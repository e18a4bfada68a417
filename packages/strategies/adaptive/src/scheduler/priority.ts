import type { RunView, TaskView } from '@stratagem/core';
import { Durations } from '../estimate/durations.js';
import type { ByType } from '../estimate/learned.js';

/**
 * Orders ready tasks by the longest path below them, using learned durations. The paths are recomputed
 * after 4, 8, 16, … answers, so that it costs little in large plans.
 */
export class PriorityOrder {
  readonly #run: RunView;
  readonly #durations: Durations;
  #pathOf = ({ criticalPath }: TaskView) => criticalPath;
  #answers = 0;
  /** The number of answers after which the paths are recomputed. */
  #next = 4;

  /** @param knownMs The durations of an earlier run. */
  constructor(run: RunView, knownMs?: ByType) {
    this.#run = run;
    this.#durations = new Durations(knownMs);
    this.refresh();
  }

  readonly compare = (a: TaskView, b: TaskView): number =>
    this.#pathOf(b) - this.#pathOf(a) || b.priority - a.priority || a.index - b.index;

  /** @returns Whether the order may have changed. */
  recordAnswer({ type }: TaskView, latencyMs: number): boolean {
    this.#durations.record(type, Math.max(1, latencyMs));
    if (++this.#answers < this.#next) return false;
    this.#next *= 2;
    return this.refresh();
  }

  /** @returns Whether the order may have changed. */
  refresh(): boolean {
    // With a single type, the default paths, by number of tasks, are equivalent.
    if (this.#durations.types.length < 2) return false;
    this.#pathOf = this.#run.criticalPaths((type) => this.#durations.typicalMs(type));
    return true;
  }

  /** The durations by type. */
  learned(): ByType {
    return this.#durations.toJSON();
  }
}
