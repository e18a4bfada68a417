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
   * The same when this attempt is started again after a crash, and another one for each other
   * attempt: for servers that do a request once for each key. Fits in a header. A runner that sends
   * several requests in one attempt needs a key for each, such as this one with the step behind it.
   */
  readonly idempotencyKey: string;
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
   * @returns A promise while the run, or those who read its events, are far behind: await it before
   * reading more from the model, and the model is slowed down with them. Undefined otherwise.
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
  Pick<RunContext, 'attemptsLeft' | 'idempotencyKey' | 'signal' | 'deadline' | 'emit'>
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
  return new DerivedContext(context, changes);
}

/** A class, as an engine keeps the getters of an object literal, and all that they refer to, for long. */
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
