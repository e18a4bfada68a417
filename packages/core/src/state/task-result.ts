import type { Citation } from '../contract/citation.js';
import type { TaskError } from '../contract/errors.js';
import type {
  CancelReason,
  RunEvent,
  SkipReason,
  TaskCanceled,
  TaskSkipped,
} from '../contract/event.js';
import type { LoopResult } from '../contract/repeat.js';
import type { ServerToolCall } from '../contract/server-tool-call.js';
import type { TaskStatus } from '../contract/status.js';
import type { Graph } from '../graph/graph.js';
import type { Failures } from './failures.js';

/** The result of one task. */
export interface TaskResult {
  readonly id: string;
  readonly status: TaskStatus;
  readonly level: number;
  /** The task that it belongs to: as a subtask, an element of a fan-out, or an iteration of a loop. */
  readonly parentId?: string | undefined;
  /** How often it was started; 0 for groups and human steps. */
  readonly attempts: number;
  /** Undefined unless completed. */
  readonly output?: unknown | undefined;
  /** The output was taken from the journal: the run that produced it. */
  readonly reused?: { readonly runId: string } | undefined;
  /** The output was taken from a cache. */
  readonly cached?: true | undefined;
  /** The sources that the output cites. */
  readonly citations?: readonly Citation[] | undefined;
  /** The calls of tools that the provider ran itself, in their order. */
  readonly serverToolCalls?: readonly ServerToolCall[] | undefined;
  /** The file that the output was saved to, within the output folder. */
  readonly savedTo?: string | undefined;
  /** The output was dropped, because the run has `outputs: 'final'` and no task needs it any more. */
  readonly outputReleased?: true | undefined;
  /** Why it failed, or was canceled alone. */
  readonly error?: TaskError | undefined;
  /** Why it was skipped or canceled. */
  readonly reason?: SkipReason | CancelReason | undefined;
  /** For a skipped task: the failed task that caused it, if one did. */
  readonly failedTaskId?: string | undefined;
  /** For a failed task: the round of re-planning whose tasks replace it, if one does. */
  readonly replacedInRound?: number | undefined;
  /** Start of the last attempt, as Unix time in milliseconds. */
  readonly startedAt?: number | undefined;
  /** When it reached its final status, as Unix time in milliseconds; undefined if it never started. */
  readonly completedAt?: number | undefined;
  /** For a loop: how it ended, and the number of its iterations. */
  readonly loop?: LoopResult | undefined;
  /** Duration of the last attempt; for a human step, of its wait. */
  readonly durationMs?: number | undefined;
}

/** What a result reads of a run. */
interface TaskFacts {
  readonly graph: Graph;
  readonly failures: Failures;
  statusOf(index: number): TaskStatus;
  attemptsUnderPlan(index: number): number;
  startedAtOf(index: number): number;
  isReleased(index: number): boolean;
  loopOf(index: number): LoopResult | undefined;
}

/** @param last The event that ended the task; undefined while it has not ended. */
export function taskResultOf(
  index: number,
  state: TaskFacts,
  last: RunEvent | undefined,
): TaskResult {
  const { tasks } = state.graph;
  const attempts = state.attemptsUnderPlan(index);
  const parent = state.graph.parentOf(index);
  const replacedInRound = state.failures.replacedIn(index);
  const loop = state.loopOf(index);
  const began = attempts > 0 || last?.type === 'task_completed' || last?.type === 'task_failed';
  return {
    id: (tasks[index] as { id: string }).id,
    status: state.statusOf(index),
    level: state.graph.levelOf(index),
    ...(parent !== undefined && { parentId: (tasks[parent] as { id: string }).id }),
    attempts,
    ...(attempts > 0 && { startedAt: state.startedAtOf(index) }),
    ...(began && last !== undefined && { completedAt: last.timestamp }),
    ...(last !== undefined && outcomeOf(last)),
    ...(state.isReleased(index) && { outputReleased: true as const }),
    ...(loop !== undefined && { loop }),
    ...(replacedInRound !== undefined && { replacedInRound }),
  };
}

function durationOf({ durationMs }: TaskSkipped | TaskCanceled): Partial<TaskResult> {
  return durationMs === undefined ? {} : { durationMs };
}

function outcomeOf(event: RunEvent): Partial<TaskResult> {
  switch (event.type) {
    case 'task_completed':
      return {
        durationMs: event.durationMs,
        output: event.output,
        ...(event.reused !== undefined && { reused: event.reused }),
        ...(event.cached && { cached: event.cached }),
        ...(event.citations !== undefined && { citations: event.citations }),
        ...(event.serverToolCalls !== undefined && { serverToolCalls: event.serverToolCalls }),
        ...(event.savedTo !== undefined && { savedTo: event.savedTo }),
      };
    case 'task_failed':
      return { durationMs: event.durationMs, error: event.error };
    case 'task_skipped':
      return {
        ...durationOf(event),
        reason: event.reason,
        ...(event.failedTaskId !== undefined && { failedTaskId: event.failedTaskId }),
      };
    case 'task_canceled':
      return {
        ...durationOf(event),
        reason: event.reason,
        ...(event.error !== undefined && { error: event.error }),
      };
    default:
      return {};
  }
}
