import type { StratagemError, TaskError } from './errors.js';
import type { Plan } from './plan.js';
import type { Usage } from './usage.js';

interface Base {
  /** Position in the run's log, from 0. */
  readonly sequence: number;
  /** Unix time in milliseconds, with a fraction; never goes backwards within a run. */
  readonly timestamp: number;
}

interface TaskBase extends Base {
  readonly taskId: string;
  readonly level: number;
}

interface AttemptBase extends TaskBase {
  /** 1 for the first try. */
  readonly attempt: number;
}

export interface PlanStarted extends Base {
  readonly type: 'plan_started';
  readonly plan: Plan;
}

export interface StrategyInitialized extends Base {
  readonly type: 'strategy_initialized';
  readonly strategy: string;
  /** The cap in force; null without one. */
  readonly maxParallel: number | null;
}

export interface TaskStarted extends AttemptBase {
  readonly type: 'task_started';
  /** How long the task was ready before it started. */
  readonly waitMs: number;
}

export interface TaskOutputReceived extends AttemptBase {
  readonly type: 'task_output';
  readonly text: string;
}

export interface TaskCompleted extends AttemptBase {
  readonly type: 'task_completed';
  readonly durationMs: number;
  readonly output: unknown;
  readonly usage?: Usage;
  readonly costUsd?: number;
  readonly model?: string;
  readonly requestId?: string;
}

export interface TaskFailed extends AttemptBase {
  readonly type: 'task_failed';
  readonly durationMs: number;
  readonly error: TaskError;
}

/** Why a task will never start. */
export type SkipReason = 'dependency_failed' | 'fail_fast';

export interface TaskSkipped extends TaskBase {
  readonly type: 'task_skipped';
  readonly reason: SkipReason;
  /** The task whose failure led to this. */
  readonly failedTaskId: string;
}

/** Why a task was stopped, or not started, before it could end by itself. */
export type CancelReason = 'plan_canceled' | 'plan_timeout' | 'fail_fast' | 'invalid_strategy';

export interface TaskCanceled extends AttemptBase {
  readonly type: 'task_canceled';
  readonly reason: CancelReason;
  /** How long the aborted attempt had been running; undefined when the task had not started. */
  readonly durationMs?: number;
}

export interface PlanCompleted extends Base {
  readonly type: 'plan_completed';
  readonly durationMs: number;
}

export interface PlanFailed extends Base {
  readonly type: 'plan_failed';
  readonly durationMs: number;
  readonly error: StratagemError;
}

export interface PlanCanceled extends Base {
  readonly type: 'plan_canceled';
  readonly durationMs: number;
  readonly error: StratagemError;
}

/**
 * One entry of a run's log. The log is the one account of a run: results, metrics and progress are
 * computed from it. Plain data; errors turn into `{ name, code, message, … }` in JSON.
 */
export type PlanEvent =
  | PlanStarted
  | StrategyInitialized
  | TaskStarted
  | TaskOutputReceived
  | TaskCompleted
  | TaskFailed
  | TaskSkipped
  | TaskCanceled
  | PlanCompleted
  | PlanFailed
  | PlanCanceled;

export type PlanEventType = PlanEvent['type'];
