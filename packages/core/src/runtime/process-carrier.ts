import type { AttemptCall, AttemptCarrier, AttemptReport, Tell } from '../contract/carrier.js';
import type { AttemptResult } from '../contract/runner.js';
import { isThenable } from '../util/promise.js';
import type { Attempt } from './attempt.js';
import type { WireAttempt } from './wire-attempt.js';
import type { Worker } from './worker.js';

/** Carries attempts out in this process. */
export class ProcessCarrier implements AttemptCarrier {
  readonly name = 'process';
  readonly #worker: Worker;
  readonly #attemptOf: (call: AttemptCall) => ActiveAttempt;
  /** Asynchronous attempts in flight; a list with free places costs less than a map by key. */
  readonly #active: (ActiveAttempt | undefined)[] = [];
  readonly #free: number[] = [];
  /** By key, made when one is canceled; most runs never cancel. */
  #byKey: Map<string, ActiveAttempt> | undefined;

  /** @param attemptOf The attempt that a call is about; one in flight is attached to. */
  constructor(worker: Worker, attemptOf: (call: AttemptCall) => ActiveAttempt) {
    this.#worker = worker;
    this.#attemptOf = attemptOf;
  }

  start(call: AttemptCall, tell: Tell): void {
    let attempt: ActiveAttempt;
    let value: unknown;
    try {
      attempt = this.#attemptOf(call);
      attempt.tell = tell;
      // It is followed already.
      if (attempt.slot >= 0) return;
      value = this.#worker.perform(attempt);
      if (isThenable(value)) {
        this.#follow(attempt, value);
        return;
      }
    } catch (error) {
      tell({ type: 'failed', error });
      return;
    }
    tell({ type: 'completed', result: { output: value } });
  }

  cancel(key: string, reason: unknown): void {
    const attempt = this.find(key);
    if (attempt === undefined) return;
    this.#leave(attempt);
    attempt.abort(reason);
  }

  /** An attempt cannot outlive the run in the same process: it is stopped as well. */
  detach(key: string): void {
    this.cancel(key, new Error('the run was given up by this process'));
  }

  async alive(keys: readonly string[]): Promise<ReadonlySet<string>> {
    return new Set(keys.filter((key) => this.find(key) !== undefined));
  }

  close(): void {
    if (this.#free.length === this.#active.length) return;
    const reason = new Error('the carrier was closed');
    for (const attempt of this.#active) {
      if (attempt === undefined) continue;
      this.#leave(attempt);
      attempt.abort(reason);
    }
  }

  #follow(attempt: ActiveAttempt, value: PromiseLike<unknown>): void {
    attempt.slot = this.#free.pop() ?? this.#active.length;
    this.#active[attempt.slot] = attempt;
    this.#byKey = undefined;
    const isRequest = this.#worker.isRequest(attempt);
    Promise.resolve(value).then(
      (output) => {
        const result = isRequest ? (output as AttemptResult) : { output };
        this.#end(attempt, { type: 'completed', result });
      },
      (error) => this.#end(attempt, { type: 'failed', error }),
    );
  }

  #end(attempt: ActiveAttempt, report: AttemptReport): void {
    if (attempt.slot < 0) return;
    this.#leave(attempt);
    attempt.tell(report);
  }

  #leave(attempt: ActiveAttempt): void {
    if (attempt.slot < 0) return;
    this.#active[attempt.slot] = undefined;
    this.#free.push(attempt.slot);
    attempt.slot = -1;
  }

  /** The attempt in flight with this key. */
  find(key: string): ActiveAttempt | undefined {
    if (this.#byKey === undefined) {
      this.#byKey = new Map();
      for (const attempt of this.#active) {
        if (attempt !== undefined) this.#byKey.set(attempt.key, attempt);
      }
    }
    const found = this.#byKey.get(key);
    return found !== undefined && found.slot >= 0 ? found : undefined;
  }
}

export type ActiveAttempt = Attempt | WireAttempt;
