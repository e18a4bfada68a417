import type { PlanEvent } from '@stratagem/core';

/** How many tasks a run has, and what became of them so far: a fold of its events. */
export class ProgressCounts {
  total = 0;
  running = 0;
  completed = 0;
  failed = 0;
  skipped = 0;
  canceled = 0;

  get settled(): number {
    return this.completed + this.failed + this.skipped + this.canceled;
  }

  apply(event: PlanEvent): void {
    switch (event.type) {
      case 'plan_started':
        this.total = event.plan.tasks.length;
        break;
      case 'task_started':
        this.running++;
        break;
      case 'task_completed':
        this.running--;
        this.completed++;
        break;
      case 'task_failed':
        this.running--;
        this.failed++;
        break;
      case 'task_skipped':
        this.skipped++;
        break;
      case 'task_canceled':
        if (event.durationMs !== undefined) this.running--;
        this.canceled++;
        break;
    }
  }

  /** `3/8 completed, 1 failed, 2 skipped` */
  toString(): string {
    const others = (['failed', 'skipped', 'canceled'] as const).flatMap((key) =>
      this[key] > 0 ? `${this[key]} ${key}` : [],
    );
    return [`${this.completed}/${this.total} completed`, ...others].join(', ');
  }
}
