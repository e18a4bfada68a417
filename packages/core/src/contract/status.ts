/** Where a task stands. `pending` until it starts, and one of the last four for good. */
export type TaskStatus = 'pending' | 'running' | 'completed' | 'failed' | 'skipped' | 'canceled';

/** Where a plan stands. */
export type PlanStatus = 'created' | 'running' | 'completed' | 'failed' | 'canceled';
