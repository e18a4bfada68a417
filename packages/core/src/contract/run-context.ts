import type { OutputPart } from './output-part.js';
import type { Task } from './task.js';

/**
 * The context of an attempt. Its properties are computed when they are first read, so pass the object
 * itself on; a spread copy loses them. To change some of them, see {@link deriveContext}.
 */
export interface RunContext {
  readonly taskId: string;
  /** 1 for the first try. */
  readonly attempt: number;
  /**
   * For servers that process a request once for each key. It is the same when this attempt is started
   * again after a crash, and different for every other attempt. Valid in a header. A runner that sends
   * several requests in one attempt needs a key for each, such as this one followed by the step.
   */
  readonly idempotencyKey: string;
  /**
   * How many tries the task has left, this one included. A runner may make several of them in one
   * attempt, and reports their number: see `RunnerErrorDetails.tries`.
   */
  readonly attemptsLeft: number;
  /** Aborted when the attempt is to stop; its `reason` is the cause. */
  readonly signal: AbortSignal;
  /** The deadline of this attempt, as Unix time in milliseconds; undefined without one. */
  readonly deadline: number | undefined;
  /**
   * Reports a piece of text, or another part of the output, while the attempt runs; it becomes a
   * `task_output` event.
   *
   * @returns A promise while the run or the readers of its events are far behind: await it before
   * reading more from the model, so that the model slows down, too. Undefined otherwise.
   */
  readonly emit: (part: string | OutputPart) => Promise<void> | undefined;
  /**
   * Adds tasks to the plan while it runs. They may depend on each other and on any task of the plan,
   * and the plan is not complete before they are.
   *
   * @throws {PlanError} with the problems of the tasks, if there are any.
   * @throws {StratagemError} `run_ended` when this attempt, or the whole run, is over.
   */
  readonly addTasks: (tasks: readonly Task[]) => void;
}

/** The properties of a context that a runner around another runner may change. */
export type ContextChanges = {
  readonly [Name in 'attemptsLeft' | 'idempotencyKey' | 'signal' | 'deadline' | 'emit']?:
    | RunContext[Name]
    | undefined;
};

/**
 * A context for a runner inside a runner: the same except for the changes.
 *
 * @example
 * // The same attempt, with a signal of its own.
 * const race = new AbortController();
 * const signal = AbortSignal.any([context.signal, race.signal]);
 * await runner.run(request, deriveContext(context, { signal }));
 */
export function deriveContext(context: RunContext, changes: ContextChanges): RunContext {
  return new DerivedContext(context, changes);
}

/** A class, because the getters of an object literal keep everything that they refer to in memory. */
class DerivedContext implements RunContext {
  readonly taskId: string;
  readonly attempt: number;
  readonly #context: RunContext;
  readonly #changes: ContextChanges;

  constructor(context: RunContext, changes: ContextChanges) {
    this.taskId = context.taskId;
    this.attempt = context.attempt;
    this.#context = context;
    this.#changes = changes;
  }

  get idempotencyKey(): string {
    return this.#changes.idempotencyKey ?? this.#context.idempotencyKey;
  }

  get attemptsLeft(): number {
    return this.#changes.attemptsLeft ?? this.#context.attemptsLeft;
  }

  get signal(): AbortSignal {
    return this.#changes.signal ?? this.#context.signal;
  }

  get deadline(): number | undefined {
    return 'deadline' in this.#changes ? this.#changes.deadline : this.#context.deadline;
  }

  get emit(): RunContext['emit'] {
    return this.#changes.emit ?? this.#context.emit;
  }

  get addTasks(): RunContext['addTasks'] {
    return this.#context.addTasks;
  }
}
