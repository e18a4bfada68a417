import { Durations } from '../estimate/durations.js';
import type { Request } from '../estimate/request.js';
import { isBurst } from './error-bursts.js';

/**
 * Tells lost requests from slow ones: a request is lost when one that started much later has been answered, as
 * in TCP (RACK). A timer cannot tell them apart, because a server may have become slow for all requests.
 */
export class LostRequests {
  /** Requests in flight that are not lost, in the order of their start, and how many had ended by then. */
  readonly #open = new Map<Request, number>();
  /** Lost requests that have neither timed out nor been answered. */
  readonly #lost = new Map<Request, number>();
  /** How many more are lost, though it is not known which. */
  #surplus = 0;
  /** Relative to estimates, where tasks have one. */
  readonly #durations = new Durations();
  /** The latest start of an answered request. */
  #answeredStart = Number.NEGATIVE_INFINITY;
  /** How many requests have ended. */
  #ended = 0;
  /** By the number of others in flight: how many had ended when the first request started that was answered at that or more. */
  readonly #proven: number[] = [];

  /** The number of requests in flight, without lost ones. */
  get inFlight(): number {
    return this.#open.size - this.#surplus;
  }

  add(request: Request): void {
    this.#open.set(request, this.#ended);
  }

  /** Removes a request that failed. */
  remove(request: Request): void {
    this.#ended++;
    this.#lost.delete(request);
    if (this.#open.delete(request)) this.#surplus = Math.max(0, this.#surplus - 1);
  }

  /** Removes an answered request, and drops those that are now considered lost. */
  recordAnswer(answered: Request, now: number): void {
    const { kind, logEstimate, othersInFlight, startedAt } = answered;
    const before = this.#endedBefore(answered);
    this.#ended++;
    this.#open.delete(answered);
    this.#lost.delete(answered);
    this.#surplus = Math.min(this.#surplus, this.#open.size);
    this.#durations.record(kind, Math.max(1, now - startedAt) / Math.exp(logEstimate));
    for (let count = othersInFlight; count >= 0 && this.#firstAt(count) > before; count--) {
      this.#proven[count] = before;
    }
    this.#answeredStart = Math.max(this.#answeredStart, startedAt);
    for (const [request, endedBefore] of this.#open) {
      const laterMs = this.#answeredStart - request.startedAt;
      // The others started even later.
      if (laterMs <= 0) return;
      const most = this.#durations.unusualMs(request.kind) * Math.exp(request.logEstimate);
      if (laterMs <= most) continue;
      this.#open.delete(request);
      this.#lost.set(request, endedBefore);
      this.#surplus = Math.max(0, this.#surplus - 1);
    }
  }

  /**
   * Whether requests in flight that started before or together with this one were answered, but none at its
   * concurrency. Otherwise its loss is no sign of too many requests.
   */
  isUnproven(request: Request): boolean {
    const before = this.#endedBefore(request);
    return this.#firstAt(0) <= before && this.#firstAt(request.othersInFlight) > before;
  }

  /**
   * The number in flight above which requests are being lost; undefined if none or just a few are. A server that
   * loses some of the requests sent together has lost the others as well. They are not counted from then on, so that
   * each answer allows another start, and the number at the server stays the same.
   */
  lostAbove(limit: number): number | undefined {
    const signs = [...this.#lost.keys()].filter((request) => this.isUnproven(request));
    if (!isBurst(signs.length, limit)) return undefined;
    const fewest = Math.min(...signs.map(({ othersInFlight }) => othersInFlight));
    this.#surplus = Math.max(this.#surplus, this.#open.size - fewest);
    return fewest;
  }

  #endedBefore(request: Request): number {
    return this.#open.get(request) ?? this.#lost.get(request) ?? this.#ended;
  }

  #firstAt(count: number): number {
    return this.#proven[count] ?? Number.POSITIVE_INFINITY;
  }
}
