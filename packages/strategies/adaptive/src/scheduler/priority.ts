import type { RunView, TaskView } from '@stratagem/core';
import type { Durations } from '../estimate/durations.js';

/**
 * Orders ready tasks by the longest path below them, using learned durations. The paths are recomputed
 * after 4, 8, 16, … answers, so that it costs little in large plans.
 */
export class PriorityOrder {
  readonly #run: RunView;
  readonly #durations: Durations;
  #pathOf: (task: TaskView) => number = ({ criticalPath }) => criticalPath;
  #answers = 0;
  /** The number of answers after which the paths are recomputed. */
  #next = 4;

  constructor(run: RunView, durations: Durations) {
    this.#run = run;
    this.#durations = durations;
  }

  readonly compare = (a: TaskView, b: TaskView): number =>
    this.#pathOf(b) - this.#pathOf(a) || b.priority - a.priority || a.index - b.index;

  /** @returns Whether the order may have changed. */
  recordAnswer(): boolean {
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
}
