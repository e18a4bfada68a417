import type { Task } from './task.js';

/**
 * What surrounds an attempt. Its properties are computed when they are first read, so pass it on
 * as it is; a spread copy loses them.
 */
export interface RunContext {
  readonly taskId: string;
  /** 1 for the first try. */
  readonly attempt: number;
  /** Aborted when the run no longer wants this attempt; its `reason` says why. */
  readonly signal: AbortSignal;
  /** When this attempt must be over, as Unix time in milliseconds; undefined without a limit. */
  readonly deadline: number | undefined;
  /** Reports a piece of text while the attempt runs; it becomes a `task_output` event. */
  readonly emit: (text: string) => void;
  /**
   * Adds tasks to the plan while it runs. They may depend on each other and on any task that is
   * there, and the plan is not complete before they are.
   *
   * @throws {PlanError} when they do not fit, with everything that is wrong with them.
   * @throws {StratagemError} `run_ended` when this attempt, or the whole run, is over.
   */
  readonly addTasks: (tasks: readonly Task[]) => void;
}
