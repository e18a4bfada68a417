import type { TaskResult } from '@stratagem/core';

const WHY = {
  plan_canceled: 'the run was canceled',
  plan_timeout: 'the time of the plan ran out',
  fail_fast: 'another task failed',
  invalid_strategy: 'the strategy failed',
  dependency_failed: 'a dependency failed',
  not_chosen: 'not chosen',
  goal_achieved: 'the goal was achieved',
  budget_exceeded: 'the budget is used up',
} as const;

type Reason = keyof typeof WHY;

/** Why a task that was skipped or canceled has no output, in a few words. */
export function explainNotRun({ status, reason, failedTaskId, attempts }: TaskResult): string {
  if (reason === undefined) return '';
  if (status === 'skipped') return `skipped: ${explainSkip(reason, failedTaskId)}`;
  return `canceled${attempts === 0 ? ' before it started' : ''}: ${WHY[reason]}`;
}

export function explainSkip(reason: Reason, failedTaskId: string | undefined): string {
  return failedTaskId === undefined ? WHY[reason] : `task "${failedTaskId}" failed`;
}
