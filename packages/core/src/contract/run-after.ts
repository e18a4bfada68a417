import type { AttemptErrorCode } from './errors.js';

/**
 * How the dependencies of a task must have ended for the task to run.
 *
 * - `success`: all completed, or some completed and the others were not chosen.
 * - `settled`: all ended, in whatever way. For clean-up and reports.
 * - `failure`: all ended, and at least one failed, was canceled, or was skipped because another task
 *   failed. Otherwise the task is skipped with the reason `nothing_failed`, and its dependents treat it
 *   like a branch that was not chosen.
 *
 * A plan with a failed task fails, whatever runs after the failure.
 */
export type RunAfter = 'success' | 'settled' | 'failure';

export const RUN_AFTER: readonly RunAfter[] = ['success', 'settled', 'failure'];

/** A failure, as the tasks see it that run after it. */
export interface TaskFailure {
  /** The task that failed: a dependency, or a task that a dependency needed. */
  readonly taskId: string;
  readonly code: AttemptErrorCode;
  readonly message: string;
}

export const NO_FAILURES: readonly TaskFailure[] = Object.freeze([]);
