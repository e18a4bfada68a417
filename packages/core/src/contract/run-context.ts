import type { RunContext } from './task.js';

export type { RunContext } from './task.js';

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
