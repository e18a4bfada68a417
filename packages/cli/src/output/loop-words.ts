import type { LoopResult, RunEvent, Task, TaskResult } from '@stratagem/core';
import { plural } from './plural.js';

/** `until reached after 3 iterations` */
export function loopText({ ending, iterations }: LoopResult): string {
  const held = {
    reached: 'until reached',
    exhausted: 'until not reached',
    failed: 'loop failed',
  }[ending];
  return `${held} after ${plural(iterations, 'iteration')}`;
}

/** `until not reached: draft, judge` for loops that completed without their condition; they are no failures. */
export function exhaustedLoops(tasks: readonly TaskResult[]): string[] {
  const ids = tasks
    .filter(({ status, loop }) => status === 'completed' && loop?.ending === 'exhausted')
    .map(({ id }) => id);
  if (ids.length === 0) return [];
  const shown = ids.length <= 2 ? ids.join(', ') : `${ids[0]} and ${ids.length - 1} more`;
  return [`until not reached: ${shown}`];
}

/** The loops that are under way, with the iteration that each of them is in. */
export class OpenLoops {
  readonly #limits = new Map<string, number>();
  readonly #iterations = new Map<string, number>();

  apply(event: RunEvent): void {
    switch (event.type) {
      case 'run_started':
        this.#iterations.clear();
        this.#noteLimits(event.plan.tasks);
        break;
      case 'tasks_added':
        if (event.source !== 'repeat') this.#noteLimits(event.tasks);
        else if (event.taskId !== undefined) {
          this.#iterations.set(event.taskId, (this.#iterations.get(event.taskId) ?? 0) + 1);
        }
        break;
      case 'task_completed':
      case 'task_failed':
      case 'task_skipped':
      case 'task_canceled':
        if (this.#iterations.size > 0) this.#iterations.delete(event.taskId);
        break;
    }
  }

  /** `iteration 2 of at most 5` for each loop; the limits of loops inside of others are not known. */
  *texts(): Generator<readonly [id: string, text: string]> {
    for (const [id, iteration] of this.#iterations) {
      const limit = this.#limits.get(id);
      yield [id, `iteration ${iteration}${limit === undefined ? '' : ` of at most ${limit}`}`];
    }
  }

  #noteLimits(tasks: readonly Task[]): void {
    for (const { id, repeat, subtasks = [] } of tasks) {
      if (repeat !== undefined) this.#limits.set(id, repeat.maxIterations ?? 5);
      this.#noteLimits(subtasks);
    }
  }
}
