import type { RunView, TaskType, TaskView } from '@stratagem/core';
import type { Durations } from './durations.js';

/** Durations that moved by less than this factor would not change much about the order. */
const CHANGED = 1.25;
/** How much the plan may grow before its new tasks are put into the order. */
const GROWN = 1.25;

/**
 * The order of ready tasks: the longest path below first, by what has been learned about durations.
 * That is computed anew after 4, 8, 16, … answers and only if something has changed, so that it
 * costs little however large the plan.
 */
export class PriorityOrder {
  readonly #run: RunView;
  readonly #durations: Durations;
  #pathOf: (task: TaskView) => number = ({ criticalPath }) => criticalPath;
  /** The durations that it goes by, beside their average. */
  #shares = new Map<TaskType, number>();
  #tasks = 0;
  #answers = 0;
  #nextAt = 4;

  constructor(run: RunView, durations: Durations) {
    this.#run = run;
    this.#durations = durations;
  }

  readonly compare = (a: TaskView, b: TaskView): number =>
    this.#pathOf(b) - this.#pathOf(a) || b.priority - a.priority || a.index - b.index;

  /** @returns Whether the order is another one now. */
  answered(): boolean {
    if (++this.#answers < this.#nextAt) return false;
    this.#nextAt *= 2;
    return this.refresh();
  }

  /** @returns Whether the order is another one now. */
  refresh(): boolean {
    const shares = this.#sharesNow();
    const hasGrown = this.#shares.size > 0 && this.#run.totalTasks > GROWN * this.#tasks;
    if (!hasGrown && !this.#isNews(shares)) return false;
    this.#shares = shares;
    this.#tasks = this.#run.totalTasks;
    this.#pathOf = this.#run.criticalPaths((type) => this.#durations.usualMs(type));
    return true;
  }

  #sharesNow(): Map<TaskType, number> {
    const { types } = this.#durations;
    const usual = types.map((type) => this.#durations.usualMs(type));
    const average = usual.reduce((sum, durationMs) => sum + durationMs, 0) / usual.length;
    return new Map(types.map((type, index) => [type, (usual[index] as number) / average]));
  }

  /** While all tasks are of one type, the paths by number of tasks say the same. */
  #isNews(shares: ReadonlyMap<TaskType, number>): boolean {
    for (const [type, share] of shares) {
      const change = share / (this.#shares.get(type) ?? 1);
      if (change > CHANGED || change < 1 / CHANGED) return true;
    }
    return false;
  }
}
