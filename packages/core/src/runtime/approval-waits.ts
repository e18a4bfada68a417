import type { ApprovalDecision } from '../contract/tool-approval.js';

/** The calls of an attempt that wait for a human in this process, and for how long they have. */
export class ApprovalWaits {
  readonly #waiting = new Map<string, (decision: ApprovalDecision) => void>();
  #since = 0;
  #before = 0;

  /** Resolves when somebody has decided. A call with the same key waits once. */
  wait(key: string, now: number): Promise<ApprovalDecision> {
    if (this.#waiting.size === 0) this.#since = now;
    return new Promise((resolve) => this.#waiting.set(key, resolve));
  }

  decide(key: string, decision: ApprovalDecision, now: number): void {
    const resolve = this.#waiting.get(key);
    if (resolve === undefined) return;
    this.#waiting.delete(key);
    if (this.#waiting.size === 0) this.#before += now - this.#since;
    resolve(decision);
  }

  /** Milliseconds in which at least one call waited. */
  waitedMs(now: number): number {
    return this.#before + (this.#waiting.size > 0 ? now - this.#since : 0);
  }
}
