import type { RunContext } from './task.js';

export type { RunContext } from './task.js';

/**
 * The properties of a context that a runner around another runner may change. `remainingMs` counts
 * from the change on, and never prolongs the attempt.
 */
export type ContextChanges = {
  readonly [Name in
    | 'attemptsLeft'
    | 'idempotencyKey'
    | 'signal'
    | 'remainingMs'
    | 'emit'
    | 'wantsText']?: RunContext[Name] | undefined;
};

/** Called once with the reason why an attempt is to stop. */
export type AbortListener = (reason: unknown) => void;

/** The method of contexts that tell of their end without an `AbortSignal`, which is costly to make. */
export const ON_ABORT = Symbol('on abort');

interface Abortable {
  /** @returns Removes the listener. */
  readonly [ON_ABORT]?: ((listener: AbortListener) => () => void) | undefined;
}

/**
 * Calls the listener when the attempt is to stop; at once if it already is.
 *
 * @returns Removes the listener.
 */
export function whenAborted(context: RunContext, listener: AbortListener): () => void {
  const own = (context as Abortable)[ON_ABORT];
  if (own !== undefined) return own.call(context, listener);
  const { signal } = context;
  const stop = () => listener(signal.reason);
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  return () => signal.removeEventListener('abort', stop);
}

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
  readonly runId: string;
  readonly taskId: string;
  readonly priority: number;
  readonly criticalPath: number;
  readonly attempt: number;
  readonly #context: RunContext;
  readonly #changes: ContextChanges;
  readonly #derivedAt: number;
  readonly #waitedBefore: number;

  constructor(context: RunContext, changes: ContextChanges) {
    this.runId = context.runId;
    this.taskId = context.taskId;
    this.priority = context.priority;
    this.criticalPath = context.criticalPath;
    this.attempt = context.attempt;
    this.#context = context;
    this.#changes = changes;
    this.#waitedBefore = changes.remainingMs === undefined ? 0 : (context.waitedMs ?? 0);
    this.#derivedAt = changes.remainingMs === undefined ? 0 : performance.now();
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

  get [ON_ABORT](): Abortable[typeof ON_ABORT] {
    const own = (this.#context as Abortable)[ON_ABORT];
    return this.#changes.signal === undefined ? own?.bind(this.#context) : undefined;
  }

  get failures(): RunContext['failures'] {
    return this.#context.failures;
  }

  get remainingMs(): number | undefined {
    const { remainingMs } = this.#context;
    if (this.#changes.remainingMs === undefined) return remainingMs;
    const waitedMs = (this.#context.waitedMs ?? 0) - this.#waitedBefore;
    const ownMs = this.#changes.remainingMs - (performance.now() - this.#derivedAt) + waitedMs;
    return Math.max(0, Math.min(ownMs, remainingMs ?? Number.POSITIVE_INFINITY));
  }

  get waitedMs(): number | undefined {
    return this.#context.waitedMs;
  }

  get emit(): RunContext['emit'] {
    return this.#changes.emit ?? this.#context.emit;
  }

  get wantsText(): boolean | undefined {
    return this.#changes.wantsText ?? this.#context.wantsText;
  }

  get surround(): RunContext['surround'] {
    return this.#context.surround;
  }

  get attachments(): RunContext['attachments'] {
    return this.#context.attachments;
  }

  get addTasks(): RunContext['addTasks'] {
    return this.#context.addTasks;
  }
}
