import type { TaskView } from '@stratagem/core';

/** An attempt in flight. */
export interface Request {
  readonly task: TaskView;
  /** Position among the attempts at its resource, from 0. */
  readonly order: number;
  readonly startedAt: number;
  /** How many other requests were in flight when it started. */
  readonly othersInFlight: number;
}
