import { Durations } from '../estimate/durations.js';
import type { Kind, Request } from '../estimate/request.js';
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
  /** How many had ended when the first answered request started. */
  #firstAnswered = Number.POSITIVE_INFINITY;
  /** The same for the first of a kind that started with so many others in flight, or more. */
  readonly #proven = new Map<Kind, number[]>();

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

  /**
   * Removes an answered request.
   *
   * @returns The requests that are now considered lost.
   */
  recordAnswer(answered: Request, now: number): readonly Request[] {
    const { kind, logEstimate, othersInFlight, startedAt } = answered;
    const before = this.#endedBefore(answered);
    this.#ended++;
    this.#open.delete(answered);
    this.#lost.delete(answered);
    this.#surplus = Math.min(this.#surplus, this.#open.size);
    this.#durations.record(kind, Math.max(1, now - startedAt) / Math.exp(logEstimate));
    this.#firstAnswered = Math.min(this.#firstAnswered, before);
    const proven = this.#proven.get(kind) ?? [];
    this.#proven.set(kind, proven);
    for (let count = othersInFlight; !isAtMost(proven[count], before) && count >= 0; count--) {
      proven[count] = before;
    }
    this.#answeredStart = Math.max(this.#answeredStart, startedAt);
    const lost: Request[] = [];
    for (const [request, endedBefore] of this.#open) {
      const laterMs = this.#answeredStart - request.startedAt;
      // The others started even later.
      if (laterMs <= 0) break;
      const most = this.#durations.unusualMs(request.kind) * Math.exp(request.logEstimate);
      if (laterMs <= most) continue;
      this.#open.delete(request);
      this.#lost.set(request, endedBefore);
      this.#surplus = Math.max(0, this.#surplus - 1);
      lost.push(request);
    }
    return lost;
  }

  /**
   * Whether requests that started before or together with this one were answered, but none of its kind at its
   * concurrency. Otherwise its loss is no sign of too many requests.
   */
  isUnproven(request: Request): boolean {
    const before = this.#endedBefore(request);
    const proven = this.#proven.get(request.kind)?.[request.othersInFlight];
    return this.#firstAnswered <= before && !isAtMost(proven, before);
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
}

function isAtMost(value: number | undefined, most: number): boolean {
  return value !== undefined && value <= most;
}
