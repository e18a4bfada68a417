import { checkLimit } from '../contract/check-options.js';
import type { RunEvent } from '../contract/event.js';
import type { Task } from '../contract/task.js';
import type { PlanResult } from '../state/result.js';
import type { Run } from './run.js';

/**
 * A run that has been started. `await` it for its result; iterate over it for its events, from
 * the first on. Leaving the iteration does not stop the run.
 */
export interface RunHandle<Outputs = Record<string, unknown>>
  extends PromiseLike<PlanResult<Outputs>>,
    AsyncIterable<RunEvent> {
  readonly runId: string;
  /** Resolves when the run has ended, however it ended; never rejects, unless it cannot be resumed. */
  readonly result: Promise<PlanResult<Outputs>>;
  /**
   * Stops the run: attempts in flight are aborted, nothing new starts, and the result, `canceled`,
   * has every output and event so far. Without effect on a run that has ended.
   *
   * @param reason Becomes the `cause` of the result's error.
   */
  cancel(reason?: unknown): void;
  /** Starts nothing more until `resume()`; what runs goes on, and so does the deadline. */
  pause(): void;
  resume(): void;
  /**
   * Changes the cap, whatever the strategy declared. What is in flight above a lower cap goes on.
   *
   * @throws {OptionError} unless it is a whole number of at least 1, or Infinity.
   */
  setMaxParallel(maxParallel: number): void;
  /**
   * Answers a human step that has come up (`task_waiting`); for an approval, true or false.
   *
   * Rejects with `not_waiting` when it does not wait, and with `invalid_option` when the answer does
   * not fit its schema; it goes on waiting then. With a journal, resolves when the answer is durable.
   */
  answer(taskId: string, answer: unknown): Promise<void>;
  /** Gives an approval. */
  approve(taskId: string): Promise<void>;
  /** Refuses an approval or an answer: the task has failed. */
  reject(taskId: string, reason?: unknown): Promise<void>;
  /**
   * Adds tasks to the plan while it runs.
   *
   * @throws {PlanError} when they do not fit, with everything that is wrong with them.
   * @throws {StratagemError} `run_ended` when the run is over.
   */
  addTasks(tasks: readonly Task[]): void;
}

/** What whoever started a run holds of it. */
export function handleOf<Outputs>(run: Run<Outputs>): RunHandle<Outputs> {
  return {
    runId: run.runId,
    result: run.result,
    // biome-ignore lint/suspicious/noThenProperty: a run is awaited for its result
    then: (onFulfilled, onRejected) => run.result.then(onFulfilled, onRejected),
    [Symbol.asyncIterator]: () => run.events.read(),
    cancel: (reason) => run.cancel(reason),
    pause: () => run.pause(),
    resume: () => run.resume(),
    setMaxParallel(maxParallel) {
      checkLimit('setMaxParallel()', 'maxParallel', maxParallel);
      run.setMaxParallel(maxParallel);
    },
    answer: (taskId, answer) => run.answer(taskId, answer),
    approve: (taskId) => run.answer(taskId, true),
    reject: (taskId, reason) => run.reject(taskId, reason),
    addTasks: (tasks) => run.addTasks(undefined, tasks),
  };
}
