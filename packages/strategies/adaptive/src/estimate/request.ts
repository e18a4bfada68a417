import type { TaskView } from '@stratagem/core';

/**
 * A kind of task: tasks of one kind are expected to do similar work, so their durations are compared with
 * each other. It is the type and the level of a task; tasks with an estimate are of a kind of their own,
 * as their work is relative to the estimate.
 */
export type Kind = string;

function kindOf({ type, level, estimate }: TaskView): Kind {
  return `${type}/${level}${estimate?.durationMs === undefined ? '' : '/estimated'}`;
}

/** An attempt in flight. */
export interface Request {
  readonly task: TaskView;
  readonly kind: Kind;
  /** The logarithm of the estimated duration in milliseconds; 0 without an estimate. */
  readonly logEstimate: number;
  readonly startedAt: number;
  /** How many other requests were in flight when it started. */
  readonly othersInFlight: number;
}

export function createRequest(
  task: TaskView,
  attempt: Pick<Request, 'startedAt' | 'othersInFlight'>,
): Request {
  const logEstimate = Math.log(Math.max(1, task.estimate?.durationMs ?? 1));
  return { task, kind: kindOf(task), logEstimate, ...attempt };
}
