import type { OutputPart } from './output-part.js';
import type { Task } from './task.js';

/**
 * What surrounds an attempt. Its properties are computed when they are first read, so pass it on
 * as it is; a spread copy loses them. To change some of it, see {@link deriveContext}.
 */
export interface RunContext {
  readonly taskId: string;
  /** 1 for the first try. */
  readonly attempt: number;
  /**
   * How many tries the task has left, this one included. A runner that makes several in one
   * attempt keeps within it, and says how many it made: see `RunnerErrorDetails.tries`.
   */
  readonly attemptsLeft: number;
  /** Aborted when the run no longer wants this attempt; its `reason` says why. */
  readonly signal: AbortSignal;
  /** When this attempt must be over, as Unix time in milliseconds; undefined without a limit. */
  readonly deadline: number | undefined;
  /**
   * Reports a piece of text, or another part of the output, while the attempt runs; it becomes a
   * `task_output` event.
   *
   * @returns A promise while those who read the events are far behind: await it before reading more
   * from the model, and the model is slowed down with them. Undefined otherwise.
   */
  readonly emit: (part: string | OutputPart) => Promise<void> | undefined;
  /**
   * Adds tasks to the plan while it runs. They may depend on each other and on any task that is
   * there, and the plan is not complete before they are.
   *
   * @throws {PlanError} when they do not fit, with everything that is wrong with them.
   * @throws {StratagemError} `run_ended` when this attempt, or the whole run, is over.
   */
  readonly addTasks: (tasks: readonly Task[]) => void;
}

/** What a runner that wraps another may change of the context it hands on. */
export type ContextChanges = Partial<
  Pick<RunContext, 'attemptsLeft' | 'signal' | 'deadline' | 'emit'>
>;

/**
 * A context for a runner inside a runner: the same but for the changes.
 *
 * @example
 * // The same attempt, with an end of its own.
 * const race = new AbortController();
 * const signal = AbortSignal.any([context.signal, race.signal]);
 * await runner.run(request, deriveContext(context, { signal }));
 */
export function deriveContext(context: RunContext, changes: ContextChanges): RunContext {
  return {
    taskId: context.taskId,
    attempt: context.attempt,
    get attemptsLeft() {
      return changes.attemptsLeft ?? context.attemptsLeft;
    },
    get signal() {
      return changes.signal ?? context.signal;
    },
    get deadline() {
      return 'deadline' in changes ? changes.deadline : context.deadline;
    },
    get emit() {
      return changes.emit ?? context.emit;
    },
    get addTasks() {
      return context.addTasks;
    },
  };
}
