import { RunError, type RunEvent, type StratagemError, type TaskResult } from '@stratagem/core';
import type { Decomposition, DecompositionError, GoalResult } from '@stratagem/planner';
import type { DisplayableRun } from './displayable-run.js';
import { explainMissingOutput } from './skip-reason.js';

/**
 * The document of `run --json`. No field is ever left out; times are in ISO 8601. Each event also has
 * `atMs`: milliseconds since the start of the run.
 */
export function runDocument(result: DisplayableRun, runId: string | null = null): object {
  const { status, goal, strategy, metrics } = result;
  const tasks = result.tasks.map((task) => ({
    id: task.id,
    status: task.status,
    level: task.level,
    parentId: task.parentId ?? null,
    attempts: task.attempts,
    output: task.output ?? null,
    citations: task.citations ?? [],
    serverToolCalls: task.serverToolCalls ?? [],
    error: task.error ?? missingOutput(task),
    loop: task.loop ?? null,
    savedTo: task.savedTo ?? null,
    startedAt: isoTime(task.startedAt),
    completedAt: isoTime(task.completedAt),
    durationMs: task.durationMs ?? null,
  }));
  const error = errorDocument(result.error, result.tasks);
  const startedAt = result.timeline[0]?.timestamp ?? 0;
  const timeline = result.timeline.map((event) => ({
    ...withIsoTime(event),
    atMs: event.timestamp - startedAt,
  }));
  return {
    ...{ runId, status, error, goal, strategy },
    startedAt: isoTime(result.startedAt),
    endedAt: isoTime(result.endedAt),
    ...{ outputs: result.planOutputs, tasks, metrics, timeline },
  };
}

/**
 * The document of `run --goal --json`: the document of the run, with the final output, the plan,
 * how it was made, and the total usage. If nothing ran, the fields of the run are empty.
 */
export function goalDocument(result: GoalResult): object {
  const { status, goal, output, error, plan, planning, usage, costUsd } = result;
  const noRun = {
    status,
    goal,
    strategy: null,
    startedAt: null,
    endedAt: null,
    outputs: {},
    tasks: [],
    metrics: null,
    timeline: [],
  };
  const { repairs, rejectedAnswers } = planning;
  return {
    ...(result.result === undefined ? noRun : runDocument(result.result)),
    output: output ?? null,
    error: errorDocument(error, result.result?.tasks ?? []),
    plan: plan ?? null,
    planning: {
      repairs,
      rejectedAnswers,
      failure: planning.failure === undefined ? null : errorDocument(planning.failure, []),
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

/** Why a run did not complete: the code, message and id of the task that failed first, if one did. */
function errorDocument(
  error: StratagemError | undefined,
  tasks: readonly TaskResult[],
): object | null {
  if (error === undefined) return null;
  const { code, message, taskId = null } = new RunError(error, tasks, undefined);
  return { ...error.toJSON(), code, message, taskId };
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
