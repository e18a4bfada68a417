import type { RunView, TaskView } from '@stratagem/core';
import type { Durations } from '../estimate/durations.js';

/** The critical paths are recomputed when durations have changed, or the plan has grown, by this factor. */
const CHANGED = 1.25;

/**
 * Orders ready tasks by the longest path below them, using learned durations. The paths are recomputed
 * after 4, 8, 16, … answers, and only if the durations have changed. That costs little in large plans.
 */
export class PriorityOrder {
  readonly #run: RunView;
  readonly #durations: Durations;
  #pathOf: (task: TaskView) => number = ({ criticalPath }) => criticalPath;
  /** The durations behind the current paths, relative to their average. */
  #relativeDurations = new Map<string, number>();
  /** The number of tasks when the paths were computed. */
  #tasks = 0;
  #answers = 0;
  /** The number of answers at which the durations are checked next. */
  #nextCheck = 4;

  constructor(run: RunView, durations: Durations) {
    this.#run = run;
    this.#durations = durations;
  }

  readonly compare = (a: TaskView, b: TaskView): number =>
    this.#pathOf(b) - this.#pathOf(a) || b.priority - a.priority || a.index - b.index;

  /** @returns Whether the order has changed. */
  recordAnswer(): boolean {
    if (++this.#answers < this.#nextCheck) return false;
    this.#nextCheck *= 2;
    return this.refresh();
  }

  /** @returns Whether the order has changed. */
  refresh(): boolean {
    const durations = this.#currentDurations();
    const hasGrown =
      this.#relativeDurations.size > 0 && this.#run.totalTasks > CHANGED * this.#tasks;
    if (!hasGrown && !this.#haveChanged(durations)) return false;
    this.#relativeDurations = durations;
    this.#tasks = this.#run.totalTasks;
    this.#pathOf = this.#run.criticalPaths((type) => this.#durations.typicalMs(type));
    return true;
  }

  #currentDurations(): Map<string, number> {
    const { types } = this.#durations;
    const typical = types.map((type) => this.#durations.typicalMs(type));
    const average = typical.reduce((sum, durationMs) => sum + durationMs, 0) / typical.length;
    return new Map(types.map((type, index) => [type, (typical[index] as number) / average]));
  }

  /** With a single type this is false: the default paths, by number of tasks, are equivalent. */
  #haveChanged(durations: ReadonlyMap<string, number>): boolean {
    for (const [type, relative] of durations) {
      const change = relative / (this.#relativeDurations.get(type) ?? 1);
      if (change > CHANGED || change < 1 / CHANGED) return true;
    }
    return false;
  }
}
