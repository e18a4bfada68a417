import type { GoalChecked } from '../src/contract/event.js';
import type { Plan } from '../src/contract/plan.js';
import { must } from './must.js';

/** Checks when the goal of a run is checked, and its counts. */
export class GoalWatch {
  readonly #plan: Plan;
  readonly #outputs: unknown[] = [];
  isAchieved = false;
  /** Completed tasks since the last check. */
  #unchecked = 0;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  /** Whether what runs is aborted when the goal is achieved. */
  get aborts(): boolean {
    return this.#plan.goalState?.whenAchieved === 'abort';
  }

  get #interval(): number {
    return this.#plan.goalCheckInterval ?? 1;
  }

  /** A task has completed while the run was not winding down. */
  completed(output: unknown): void {
    if (this.#plan.goalState === undefined) return;
    must(this.#unchecked < this.#interval, 'a goal is checked after so many completed tasks');
    this.#unchecked++;
    this.#outputs.push(output);
  }

  /** @param isOver Whether all tasks are settled. */
  checked({ progress, achieved, criteria }: GoalChecked, isOver: boolean): void {
    const goal = this.#plan.goalState;
    must(goal !== undefined, 'only a goal is checked');
    must(!this.isAchieved, 'a goal that is achieved is not checked again');
    must(isOver || this.#unchecked === this.#interval, 'a goal is not checked more often');
    this.#unchecked = 0;
    must(progress >= 0 && progress <= 1, 'progress is between 0 and 1');
    must(achieved === progress >= (goal.threshold ?? 1), 'a goal is achieved at its threshold');
    for (const [position, { count }] of goal.criteria.entries()) {
      if (count === undefined) continue;
      const expected = count === 'outputs.*' ? this.#count() : this.#count('list');
      must(criteria[position]?.actual === expected, 'a goal counts what is there');
    }
  }

  achieved(): void {
    must(!this.isAchieved, 'a goal is achieved once');
    this.isAchieved = true;
  }

  #count(field?: string): number {
    const values = this.#outputs.map((output) => {
      if (field === undefined) return output;
      const isObject = typeof output === 'object' && output !== null;
      return isObject ? (output as Record<string, unknown>)[field] : undefined;
    });
    const counts = values.map((value) => {
      if (Array.isArray(value)) return value.length;
      return value === undefined || value === null ? 0 : 1;
    });
    return counts.reduce((sum, each) => sum + each, 0);
  }
}
