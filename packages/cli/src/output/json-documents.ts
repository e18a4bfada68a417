import type { RunEvent, TaskResult } from '@stratagem/core';
import type { Decomposition, DecompositionError, GoalResult } from '@stratagem/planner';
import type { DisplayableRun } from './displayable-run.js';
import { explainMissingOutput } from './skip-reason.js';

/** The document of `run --json`. No field is ever left out; times are in ISO 8601. */
export function runDocument(result: DisplayableRun): object {
  const { status, goal, strategy, metrics } = result;
  const tasks = result.tasks.map((task) => ({
    id: task.id,
    status: task.status,
    level: task.level,
    parentId: task.parentId ?? null,
    attempts: task.attempts,
    output: task.output ?? null,
    error: task.error ?? missingOutput(task),
    startedAt: isoTime(task.startedAt),
    completedAt: isoTime(task.completedAt),
    durationMs: task.durationMs ?? null,
  }));
  return { status, goal, strategy, tasks, metrics, timeline: result.timeline.map(withIsoTime) };
}

/**
 * The document of `run --goal --json`: the document of the run, with the final output, the plan,
 * how it was made, and the total usage. If nothing ran, the fields of the run are empty.
 */
export function goalDocument(result: GoalResult): object {
  const { status, goal, output, error, plan, planning, usage, costUsd } = result;
  const noRun = { status, goal, strategy: null, tasks: [], metrics: null, timeline: [] };
  const { repairs, rejectedAnswers } = planning;
  return {
    ...(result.result === undefined ? noRun : runDocument(result.result)),
    output: output ?? null,
    error: error ?? null,
    plan: plan ?? null,
    planning: {
      repairs,
      rejectedAnswers,
      timeline: planning.result?.timeline.map(withIsoTime) ?? [],
    },
    usage,
    costUsd,
  };
}

/** The document of `plan --json`. */
export function planDocument(decomposition: Decomposition): object {
  const { plan, complexity, repairs, rejectedAnswers, usage, costUsd, result } = decomposition;
  const timeline = result?.timeline.map(withIsoTime) ?? [];
  return { plan, complexity, repairs, rejectedAnswers, usage, costUsd, error: null, timeline };
}

/** The document of `plan --json` when no plan could be made. */
export function planErrorDocument(error: DecompositionError): object {
  const { rejectedAnswers, result } = error;
  return {
    plan: null,
    complexity: 'complex',
    repairs: [],
    rejectedAnswers,
    usage: result?.metrics.usage ?? null,
    costUsd: result?.metrics.costUsd ?? null,
    error,
    timeline: result?.timeline.map(withIsoTime) ?? [],
  };
}

function missingOutput(task: TaskResult): object | null {
  if (task.reason === undefined) return null;
  return { code: task.reason, message: explainMissingOutput(task) };
}

function withIsoTime(event: RunEvent): object {
  return { ...event, timestamp: isoTime(event.timestamp) };
}

function isoTime(timestamp: number | undefined): string | null {
  return timestamp === undefined ? null : new Date(timestamp).toISOString();
}
