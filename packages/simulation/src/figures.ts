import type { AttemptErrorCode, PlanResult } from '@stratagem/core';

/** What a simulated run comes to. */
export interface Figures {
  readonly status: PlanResult['status'];
  /** From the start of the plan to its end, in virtual milliseconds. */
  readonly makespanMs: number;
  readonly completedTasks: number;
  /** Requests that were sent, whatever became of them. */
  readonly requests: number;
  /** Of those, the ones answered 429. */
  readonly rateLimited: number;
  /** Of those, the ones that met an overload: answered by an error, or never. */
  readonly overloaded: number;
  /** Both, over the number of tasks. */
  readonly wastedShare: number;
  /** The most that were in flight at once. */
  readonly peakConcurrency: number;
  readonly averageLatencyMs: number;
  readonly p95LatencyMs: number;
  /** Completed tasks per second. */
  readonly throughputPerSecond: number;
}

const OVERLOAD: readonly AttemptErrorCode[] = ['overloaded', 'server_error', 'timeout'];

/**
 * The figures of a run, from its timeline.
 *
 * @example
 * const { makespanMs, wastedShare } = figuresOf(simulateOn(plan, { server, strategy }));
 */
export function figuresOf({ status, metrics, timeline }: PlanResult<unknown>): Figures {
  let rateLimited = 0;
  let overloaded = 0;
  for (const event of timeline) {
    if (event.type !== 'task_retrying' && event.type !== 'task_failed') continue;
    if (event.error.code === 'rate_limited') rateLimited++;
    else if (OVERLOAD.includes(event.error.code)) overloaded++;
  }
  return {
    status,
    makespanMs: metrics.executionTimeMs,
    completedTasks: metrics.completedTasks,
    requests: metrics.attempts,
    rateLimited,
    overloaded,
    wastedShare: (rateLimited + overloaded) / metrics.totalTasks,
    peakConcurrency: metrics.peakConcurrency,
    averageLatencyMs: metrics.averageTaskDurationMs,
    p95LatencyMs: metrics.p95TaskDurationMs,
    throughputPerSecond: metrics.throughputPerSecond,
  };
}
