import type { RunEvent } from '@stratagem/core';
import { countTasks } from '@stratagem/core/kernel';

/** Counts the tasks of a run by status from its events. */
export class ProgressCounts {
  total = 0;
  running = 0;
  completed = 0;
  failed = 0;
  skipped = 0;
  canceled = 0;
  /** Progress towards the goal, 0 to 1; undefined without a goal. */
  goal: number | undefined;
  /** Fan-outs over streams that have not been read to their ends. */
  readonly #reading = new Set<string>();

  /** Whether nobody knows yet how many tasks there will be. */
  get isGrowing(): boolean {
    return this.#reading.size > 0;
  }

  get settled(): number {
    return this.completed + this.failed + this.skipped + this.canceled;
  }

  apply(event: RunEvent): void {
    switch (event.type) {
      case 'run_started':
        // A run that is resumed with a changed plan starts with a new run_started.
        this.running = this.completed = this.failed = this.skipped = this.canceled = 0;
        this.total = countTasks(event.plan.tasks);
        this.#reading.clear();
        break;
      case 'run_resumed':
        for (const { was } of event.retried ?? []) this[was]--;
        break;
      case 'tasks_added':
        this.total += countTasks(event.tasks);
        if (event.stream?.isEnd === false) this.#reading.add(event.taskId ?? '');
        else this.#reading.delete(event.taskId ?? '');
        break;
      case 'task_started':
        this.running++;
        break;
      case 'task_retrying':
        this.running--;
        break;
      case 'task_completed':
        // Groups and human steps have no attempts.
        if (event.attempt > 0) this.running--;
        this.completed++;
        break;
      case 'task_failed':
        if (event.attempt > 0) this.running--;
        this.failed++;
        this.#reading.delete(event.taskId);
        break;
      case 'goal_checked':
        this.goal = event.progress;
        break;
      case 'task_skipped':
        this.skipped++;
        this.#reading.delete(event.taskId);
        break;
      case 'task_canceled':
        if (event.durationMs !== undefined) this.running--;
        this.canceled++;
        this.#reading.delete(event.taskId);
        break;
    }
  }

  /** `3/8 completed, 1 failed, 2 skipped, goal 50%`; `3/8+` while more tasks may follow from a stream. */
  toString(): string {
    const parts: string[] = (['failed', 'skipped', 'canceled'] as const).flatMap((key) =>
      this[key] > 0 ? `${this[key]} ${key}` : [],
    );
    if (this.goal !== undefined) parts.push(`goal ${Math.round(this.goal * 100)}%`);
    return [`${this.completed}/${this.total}${this.isGrowing ? '+' : ''} completed`, ...parts].join(
      ', ',
    );
  }
}
