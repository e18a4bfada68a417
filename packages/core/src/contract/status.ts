/** The status of a task: `pending` until it starts, and one of the last four at the end. */
export type TaskStatus = 'pending' | 'running' | 'completed' | 'failed' | 'skipped' | 'canceled';

/** The status of a plan. */
export type PlanStatus = 'created' | 'running' | 'completed' | 'failed' | 'canceled';
