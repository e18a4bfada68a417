import type { PlanEvent, TaskResult } from '@stratagem/core';
import type { Decomposition, DecompositionError, GoalResult } from '@stratagem/planner';
import type { ShownRun } from './displayable-run.js';
import { explainNotRun } from './skip-reason.js';

/** The one document that `run --json` prints; every field is always there, times are ISO 8601. */
export function jsonDocument(result: ShownRun): object {
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

/**
 * The same for a goal: the document of the run, and beside it the final output, the plan, how it
 * came about, and what all of it has cost. Without a run, its fields are empty.
 */
export function goalDocument(result: GoalResult): object {
  const { status, goal, output, error, plan, planning, usage, costUsd } = result;
  const none = { status, goal, strategy: null, tasks: [], metrics: null, timeline: [] };
  const { repairs, rejected } = planning;
  return {
    ...(result.result === undefined ? none : jsonDocument(result.result)),
    output: output ?? null,
    error: error ?? null,
    plan: plan ?? null,
    planning: { repairs, rejected, timeline: planning.result?.timeline.map(withIsoTime) ?? [] },
    usage,
    costUsd,
  };
}

/** The one document that `plan --json` prints. */
export function planDocument(made: Decomposition): object {
  const { plan, complexity, repairs, rejected, usage, costUsd, result } = made;
  const timeline = result?.timeline.map(withIsoTime) ?? [];
  return { plan, complexity, repairs, rejected, usage, costUsd, error: null, timeline };
}

/** The same when there is no plan: why, and what was asked and answered until then. */
export function planErrorDocument(error: DecompositionError): object {
  const { rejected, result } = error;
  return {
    plan: null,
    complexity: 'complex',
    repairs: [],
    rejected,
    usage: result?.metrics.usage ?? null,
    costUsd: result?.metrics.costUsd ?? null,
    error,
    timeline: result?.timeline.map(withIsoTime) ?? [],
  };
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
