import type { AttemptCarrier } from '../contract/carrier.js';
import type { AttemptResult } from '../contract/runner.js';
import type { ApprovalDecision } from '../contract/tool-approval.js';
import { isThenable } from '../util/promise.js';
import { Slots } from '../util/slots.js';
import { MAX_TIMER_MS } from '../util/timer.js';
import type { Attempt } from './attempt.js';
import type { WireAttempt } from './wire-attempt.js';
import type { Worker } from './worker.js';

/**
 * Carries attempts out in this process. An attempt knows where to report; calls that came over a wire
 * are the matter of `workerCarrier`.
 */
export class ProcessCarrier implements Omit<AttemptCarrier, 'start'> {
  readonly name = 'process';
  readonly #worker: Worker;
  /** Asynchronous attempts in flight. */
  readonly #active = new Slots(({ key }: ActiveAttempt) => key);
  /** Attempts whose work goes on although they were aborted, and when they were, on a steady clock. */
  readonly #aborted = new Map<ActiveAttempt, number>();
  #onLastEnd: (() => void) | undefined;
  /** Whether a lane reports the end of its attempt, and may continue with another one. */
  #isReporting = false;
  /** The attempt that the reporting lane continues with, and what it awaits. */
  #next: ActiveAttempt | undefined;
  #nextValue: PromiseLike<unknown> | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
  }

  run(attempt: ActiveAttempt): void {
    let value: unknown;
    try {
      value = this.#worker.perform(attempt);
      if (isThenable(value)) {
        this.#follow(attempt, value);
        return;
      }
    } catch (error) {
      attempt.tell({ type: 'failed', error });
      return;
    }
    this.#report(attempt, value);
  }

  cancel(key: string, reason: unknown): void {
    const attempt = this.find(key);
    if (attempt !== undefined) this.#abort(attempt, reason);
  }

  decide(key: string, callKey: string, decision: ApprovalDecision): void {
    this.find(key)?.decide(callKey, decision);
  }

  #abort(attempt: ActiveAttempt, reason: unknown): void {
    this.#leave(attempt);
    this.#aborted.set(attempt, performance.now());
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
    const left = this.#active.items();
    // Most runs end without any, and an error takes as long as many tasks.
    if (left.length === 0) return;
    const reason = new Error('the carrier was closed');
    for (const attempt of left) this.#abort(attempt, reason);
  }

  /** Waits until the work of aborted attempts has ended, at most so long after the last was aborted. */
  async settle(graceMs: number): Promise<void> {
    const lastAt = Math.max(...this.#aborted.values());
    const leftMs = Math.min(lastAt + graceMs - performance.now(), MAX_TIMER_MS);
    if (leftMs <= 0) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.#onLastEnd = resolve;
      timer = setTimeout(resolve, leftMs);
    });
    clearTimeout(timer);
    // Otherwise work that never ends would keep the waiting run in memory.
    this.#onLastEnd = undefined;
  }

  /** Whether work goes on that was aborted. */
  get hasAborted(): boolean {
    return this.#aborted.size > 0;
  }

  /** The attempts whose work goes on although they were aborted, and for how many milliseconds. */
  abandoned(): readonly (readonly [attempt: ActiveAttempt, abortedMs: number])[] {
    const now = performance.now();
    return Array.from(this.#aborted, ([attempt, at]) => [attempt, now - at] as const);
  }

  /**
   * Attempts run in lanes: when a report starts further attempts, the last one stays in the lane of the
   * one that ended. A lane costs less than a promise and two closures for each attempt. The last,
   * because a lane awaits its attempt after all the others: attempts that end at the same time are
   * reported in the order of their start.
   */
  #follow(attempt: ActiveAttempt, value: PromiseLike<unknown>): void {
    attempt.slot = this.#active.add(attempt);
    if (!this.#isReporting) {
      void this.#runLane(attempt, value);
      return;
    }
    if (this.#next !== undefined) {
      void this.#runLane(this.#next, this.#nextValue as PromiseLike<unknown>);
    }
    this.#next = attempt;
    this.#nextValue = value;
  }

  async #runLane(first: ActiveAttempt, value: PromiseLike<unknown>): Promise<void> {
    let attempt: ActiveAttempt | undefined = first;
    let awaited: PromiseLike<unknown> | undefined = value;
    while (attempt !== undefined) {
      let settled: unknown;
      let hasFailed = false;
      try {
        settled = await awaited;
      } catch (error) {
        settled = error;
        hasFailed = true;
      }
      // Otherwise it was canceled, and nobody waits for it.
      if (attempt.slot >= 0) {
        this.#leave(attempt);
        this.#isReporting = true;
        if (hasFailed) attempt.tell({ type: 'failed', error: settled });
        else this.#report(attempt, settled);
        this.#isReporting = false;
      } else if (this.#aborted.delete(attempt) && this.#aborted.size === 0) {
        this.#onLastEnd?.();
      }
      attempt = this.#next;
      awaited = this.#nextValue;
      this.#next = this.#nextValue = undefined;
    }
  }

  #report(attempt: ActiveAttempt, value: unknown): void {
    let result: AttemptResult;
    try {
      result = this.#worker.resultOf(attempt, value);
    } catch (error) {
      attempt.tell({ type: 'failed', error });
      return;
    }
    attempt.complete(result);
  }

  #leave(attempt: ActiveAttempt): void {
    this.#active.remove(attempt.slot);
    attempt.slot = -1;
  }

  /** The attempt in flight with this key. */
  find(key: string): ActiveAttempt | undefined {
    return this.#active.find(key);
  }
}

export type ActiveAttempt = Attempt | WireAttempt;
