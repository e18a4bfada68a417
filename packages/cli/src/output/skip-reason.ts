import type { TaskResult } from '@stratagem/core';

const REASONS = {
  run_canceled: 'the run was canceled',
  deadline_exceeded: 'the plan exceeded its deadline',
  fail_fast: 'another task failed',
  invalid_strategy: 'the strategy failed',
  dependency_failed: 'a dependency failed',
  condition_false: 'its condition was not met',
  nothing_failed: 'nothing failed before it',
  requested: 'somebody asked for it',
  goal_achieved: 'the goal was achieved',
  budget_exceeded: 'the budget was used up',
} as const;

type Reason = keyof typeof REASONS;

/** Explains why a task that was skipped or canceled has no output; empty for other tasks. */
export function explainMissingOutput(task: TaskResult): string {
  const { status, reason, failedTaskId, attempts } = task;
  if (reason === undefined) return '';
  if (status === 'skipped') return `skipped: ${skipReason(reason, failedTaskId)}`;
  return `canceled${attempts === 0 ? ' before it started' : ''}: ${REASONS[reason]}`;
}

/** What the summary says anyway, in the line of its failures or of its status. */
const SAID_ELSEWHERE: readonly Reason[] = ['dependency_failed', 'run_canceled'];

/** `17 skipped: the goal was achieved`, for each reason that the summary does not show elsewhere. */
export function lossesByReason(tasks: readonly TaskResult[]): string[] {
  const counts = new Map<string, number>();
  for (const { status, reason } of tasks) {
    if (reason === undefined || SAID_ELSEWHERE.includes(reason)) continue;
    const text = `${status}: ${REASONS[reason]}`;
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return Array.from(counts, ([text, count]) => `${count} ${text}`);
}

export function skipReason(reason: Reason, failedTaskId: string | undefined): string {
  return failedTaskId === undefined ? REASONS[reason] : `task "${failedTaskId}" failed`;
}
