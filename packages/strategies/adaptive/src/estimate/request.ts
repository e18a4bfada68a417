import type { TaskView } from '@stratagem/core';
import { type Kind, kindOf } from './kind.js';

/** An attempt in flight. */
export interface Request {
  readonly task: TaskView;
  readonly kind: Kind;
  /** The logarithm of the estimated duration in milliseconds; 0 without an estimate. */
  readonly logEstimate: number;
  /** Position among the attempts at its resource, from 0. */
  readonly order: number;
  readonly startedAt: number;
  /** How many other requests were in flight when it started. */
  readonly othersInFlight: number;
}

export function createRequest(
  task: TaskView,
  attempt: Pick<Request, 'order' | 'startedAt' | 'othersInFlight'>,
): Request {
  const logEstimate = Math.log(Math.max(1, task.estimate?.durationMs ?? 1));
  return { task, kind: kindOf(task), logEstimate, ...attempt };
}
