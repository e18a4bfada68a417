import type { TaskResult } from '@stratagem/core';

const WHY_CANCELED = {
  plan_canceled: 'the run was canceled',
  plan_timeout: 'the time of the plan ran out',
  fail_fast: 'another task failed',
  invalid_strategy: 'the strategy failed',
  dependency_failed: 'a dependency failed',
} as const;

/** Why a task that was skipped or canceled has no output, in a few words. */
export function explainNotRun({ status, reason, failedTaskId, attempts }: TaskResult): string {
  if (reason === undefined) return '';
  if (status === 'skipped') return `skipped: task "${failedTaskId}" failed`;
  return `canceled${attempts === 0 ? ' before it started' : ''}: ${WHY_CANCELED[reason]}`;
}
