import { checkLimit } from '../contract/check-options.js';
import type { RunEvent } from '../contract/event.js';
import type { InterruptOptions } from '../contract/interrupt.js';
import type { OpenQuestion } from '../contract/open-question.js';
import type { Task } from '../contract/task.js';
import type { CompletedResult, PlanResult } from '../state/result.js';
import { orThrow } from '../state/run-error.js';
import type { Run } from './run.js';

/**
 * A started run. `await` it for its result; iterate over it for its events, starting with the first.
 * Leaving the iteration does not stop the run.
 */
export interface RunHandle<Outputs = Record<string, unknown>>
  extends PromiseLike<PlanResult<Outputs>>,
    AsyncIterable<RunEvent> {
  /** The id that the run has in its journal and in reports. */
  readonly runId: string;
  /** Resolves when the run has ended, however it ended. Rejects only if a run cannot be resumed. */
  readonly result: Promise<PlanResult<Outputs>>;
  /**
   * Like `result`, for programs that have no use for a run that did not complete.
   *
   * Rejects with a `RunError` when the run failed or was canceled: its `code` and `taskId` are those of
   * the first failed task, and it has the `result`.
   *
   * @example
   * const { outputs } = await executor.execute(plan).orThrow();
   */
  orThrow(): Promise<CompletedResult<Outputs>>;
  /**
   * Cancels the run: attempts in flight are aborted and no task starts. The result is `canceled` and has
   * all outputs and events so far. Has no effect on a run that has ended.
   *
   * @param reason Becomes the `cause` of the result's error.
   */
  cancel(reason?: unknown): void;
  /**
   * Ends this process's part in a run with a journal, for a deployment or a shutdown. The run is not
   * canceled: its result has the status `interrupted`, its lease is given back, and any process can resume
   * it at once. A run that ends meanwhile has its usual result.
   *
   * @returns The result.
   * @throws {OptionError} when an option is invalid, or the run has no journal.
   *
   * @example
   * process.once('SIGTERM', () => void run.interrupt({ drain: true, timeoutMs: 20_000 }));
   */
  interrupt(options?: InterruptOptions): Promise<PlanResult<Outputs>>;
  /**
   * The human steps and the calls of tools that wait for an answer, in the order in which they were asked. A resumed run lists
   * those that were asked before, from its `run_resumed` event on.
   */
  openQuestions(): readonly OpenQuestion[];
  /**
   * Cancels one task, whether it runs or waits: its attempt is aborted. It counts as failed, with the
   * code `canceled`: its dependents are skipped or run after the failure, with `failFast` the run stops,
   * and otherwise it continues and fails at the end. So do the running subtasks of a group.
   *
   * Rejects with `unknown_task`, with `task_ended`, and with `run_ended`. With a journal, resolves when
   * it is durable.
   *
   * @param reason Part of the message of the task's error.
   */
  cancelTask(taskId: string, reason?: unknown): Promise<void>;
  /**
   * Skips one task, whether it runs or waits: the plan does without it, as without a branch that was not
   * chosen. Its dependents run without its output, unless they depend on nothing else. A fan-out leaves a
   * skipped item out of its results.
   *
   * Rejects and resolves as `cancelTask` does.
   *
   * @param reason The `message` of the `task_skipped` event.
   */
  skipTask(taskId: string, reason?: unknown): Promise<void>;
  /**
   * Says that a criterion of the goal is met, whatever its value is, and checks the goal. For what no output
   * shows: somebody has read the report and is content.
   *
   * Rejects with `invalid_option` when the goal has no criterion of this name, and with `run_ended`. With a
   * journal, resolves when it is durable.
   *
   * @param name The `name` of the criterion; without one, its text as in `goalProgress`.
   */
  meetCriterion(name: string): Promise<void>;
  /**
   * Starts no task until `resume()`. Attempts in flight continue, and so does the deadline. A run that is
   * taken over stays paused.
   *
   * Counts at once. With a journal, the promise resolves when it is durable; it rejects with `run_ended`,
   * and nobody has to wait for it.
   */
  pause(): Promise<void>;
  /** Ends a pause, as `pause()` begins one. */
  resume(): Promise<void>;
  /**
   * Changes the cap, whatever the strategy declared. Attempts in flight above a lower cap continue.
   * Resolves and rejects as `pause()` does.
   *
   * @throws {OptionError} unless it is an integer ≥ 1 or Infinity.
   */
  setMaxParallel(maxParallel: number): Promise<void>;
  /**
   * Answers a waiting human step (`task_waiting`), or whether a tool may be called. The answer to an
   * approval is true or false.
   *
   * Rejects with `not_waiting` when the task is not waiting, and with `invalid_option` when the answer
   * does not match its schema; the task then keeps waiting. With a journal, resolves when the answer is
   * durable.
   */
  answer(taskId: string, answer: unknown): Promise<void>;
  /**
   * Gives an approval: to a waiting human step, or to a call of a tool (`tool_approval_requested`).
   *
   * @param callId Names the call, where several calls of the task wait.
   */
  approve(taskId: string, callId?: string): Promise<void>;
  /**
   * Rejects an approval or an answer: the task fails. A rejected call of a tool does not run; its model
   * gets the reason, and continues.
   *
   * @param callId Names the call, where several calls of the task wait.
   */
  reject(taskId: string, reason?: unknown, callId?: string): Promise<void>;
  /**
   * Adds tasks to the plan while it runs.
   *
   * @throws {PlanError} when the tasks are invalid, with all their problems.
   * @throws {StratagemError} `run_ended` when the run has ended.
   */
  addTasks(tasks: readonly Task[]): void;
}

/** The handle that controls a run. */
export function handleOf<Outputs>(run: Run<Outputs>): RunHandle<Outputs> {
  return {
    runId: run.runId,
    result: run.result,
    orThrow: () => orThrow(run.result),
    // biome-ignore lint/suspicious/noThenProperty: a run is awaited for its result
    then: (onFulfilled, onRejected) => run.result.then(onFulfilled, onRejected),
    [Symbol.asyncIterator]: () => run.events.read(),
    cancel: (reason) => run.cancel(reason),
    interrupt: (options) => run.interrupt(options),
    openQuestions: () => run.openQuestions(),
    cancelTask: (taskId, reason) => run.cancelTask(taskId, reason),
    skipTask: (taskId, reason) => run.skipTask(taskId, reason),
    meetCriterion: (name) => run.meetCriterion(name),
    pause: () => run.pause(),
    resume: () => run.resume(),
    setMaxParallel(maxParallel) {
      checkLimit('setMaxParallel()', 'maxParallel', maxParallel);
      return run.setMaxParallel(maxParallel);
    },
    answer: (taskId, answer) => run.answer(taskId, answer),
    approve: (taskId, callId) => run.answer(taskId, true, callId),
    reject: (taskId, reason, callId) => run.reject(taskId, reason, callId),
    addTasks: (tasks) => run.addTasks(undefined, tasks),
  };
}
