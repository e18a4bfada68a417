import { type AttemptErrorCode, OptionError, type PlanResult } from '@stratagem/core';

/** The key figures of a run. */
export interface Stats {
  readonly status: PlanResult['status'];
  /** The duration of the plan, in virtual milliseconds. */
  readonly makespanMs: number;
  readonly completedTasks: number;
  /** The number of requests sent. */
  readonly requests: number;
  /** The number of requests refused with a 429. */
  readonly rateLimited: number;
  /** The number of requests that failed in an overload, with an error or a timeout. */
  readonly overloaded: number;
  /** `rateLimited` plus `overloaded`, relative to the number of tasks. */
  readonly wastedShare: number;
  /** The maximum number of requests in flight. */
  readonly peakConcurrency: number;
  readonly averageLatencyMs: number;
  readonly p95LatencyMs: number;
  /** Completed tasks per second. */
  readonly throughputPerSecond: number;
  /** The cost of all attempts in US dollars; null when the price of some tokens is unknown. */
  readonly costUsd: number | null;
}

const OVERLOAD: readonly AttemptErrorCode[] = ['overloaded', 'server_error', 'timeout'];

/**
 * Summarizes a run from its metrics and timeline.
 *
 * @example
 * const { makespanMs, wastedShare } = summarize(simulateOn(plan, { server, strategy }));
 */
export function summarize(result: PlanResult<unknown>): Stats {
  if (!Array.isArray(result?.timeline)) {
    throw new OptionError('summarize() takes the result of a run, with its timeline');
  }
  const { status, metrics, timeline } = result;
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
    costUsd: metrics.costUsd,
  };
}
