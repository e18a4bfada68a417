import { StratagemError } from '../contract/errors.js';
import type { CompletedResult, PlanResult } from './result.js';
import type { TaskResult } from './task-result.js';

/**
 * A run did not complete; thrown by `orThrow()`. Its message is that of the result's error, with the
 * remedy where one is known. Its `cause` is the error of the first failed task, or of the result.
 *
 * @example
 * catch (error) {
 *   if (error instanceof RunError) console.error(error.code, error.taskId, error.result.outputs);
 * }
 */
export class RunError<Result = PlanResult> extends StratagemError {
  /** The task that failed first; undefined when the run ended for another reason. */
  declare readonly taskId?: string;
  /** All that the run has come to; not part of the JSON. */
  declare readonly result: Result;

  /**
   * The `code` is that of the first failed task (`missing_api_key`, `timeout`, …), or of the error of
   * the result when no task made it fail (`deadline_exceeded`, `run_canceled`, …).
   *
   * @param error The error of the result.
   * @param tasks The tasks of the run.
   */
  constructor(error: StratagemError, tasks: readonly TaskResult[], result: Result) {
    const { taskId } = error as { readonly taskId?: string };
    const first = tasks.find(({ id }) => id === taskId)?.error;
    super(first?.code ?? error.code, error.message, { cause: first ?? error });
    if (taskId !== undefined) this.taskId = taskId;
    Object.defineProperty(this, 'result', { value: result });
  }
}

/** Rejects with a {@link RunError} unless the run completes. */
export async function orThrow<Outputs>(
  ending: PromiseLike<PlanResult<Outputs>>,
): Promise<CompletedResult<Outputs>> {
  const result = await ending;
  if (result.status === 'completed') return result;
  throw new RunError(result.error, result.tasks, result);
}
