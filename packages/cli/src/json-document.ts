import type { PlanEvent, PlanResult, TaskResult } from '@stratagem/core';
import { explainNotRun } from './not-run.js';

/** The one document that `run --json` prints; every field is always there, times are ISO 8601. */
export function jsonDocument(result: PlanResult): object {
  const { status, goal, strategy, metrics } = result;
  const tasks = result.tasks.map((task) => ({
    id: task.id,
    status: task.status,
    level: task.level,
    parentId: task.parentId ?? null,
    attempts: task.attempts,
    output: task.output ?? null,
    error: task.error ?? notRun(task),
    startedAt: isoTime(task.startedAt),
    completedAt: isoTime(task.completedAt),
    durationMs: task.durationMs ?? null,
  }));
  return { status, goal, strategy, tasks, metrics, timeline: result.timeline.map(withIsoTime) };
}

/** Why a task that was skipped or canceled has no output. */
function notRun(task: TaskResult): object | null {
  return task.reason === undefined ? null : { code: task.reason, message: explainNotRun(task) };
}

function withIsoTime(event: PlanEvent): object {
  return { ...event, timestamp: isoTime(event.timestamp) };
}

function isoTime(timestamp: number | undefined): string | null {
  return timestamp === undefined ? null : new Date(timestamp).toISOString();
}
