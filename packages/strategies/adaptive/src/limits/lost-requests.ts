import { Durations } from '../estimate/durations.js';
import type { Kind, Request } from '../estimate/request.js';
import { isBurst } from './error-bursts.js';

/**
 * Tells lost requests from slow ones: a request is lost when one that started much later has been answered, as
 * in TCP (RACK). A timer cannot tell them apart, because a server may have become slow for all requests.
 */
export class LostRequests {
  /** Requests in flight that are not lost, in the order of their start. */
  readonly #open = new Set<Request>();
  /** Lost requests that have neither timed out nor been answered. */
  readonly #lost = new Set<Request>();
  /** How many more are lost, though it is not known which. */
  #surplus = 0;
  /** Relative to estimates, where tasks have one. */
  readonly #durations = new Durations();
  /** The first and the latest start of an answered request. */
  #firstStart = Number.POSITIVE_INFINITY;
  #latestStart = Number.NEGATIVE_INFINITY;
  /** The first start of an answered request of a kind that had so many others in flight, or more. */
  readonly #provenFrom = new Map<Kind, number[]>();

  /** The number of requests in flight, without lost ones. */
  get inFlight(): number {
    return this.#open.size - this.#surplus;
  }

  add(request: Request): void {
    this.#open.add(request);
  }

  /** Removes a request that failed. */
  remove(request: Request): void {
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
    this.#open.delete(answered);
    this.#lost.delete(answered);
    this.#surplus = Math.min(this.#surplus, this.#open.size);
    this.#durations.record(kind, Math.max(1, now - startedAt) / Math.exp(logEstimate));
    this.#firstStart = Math.min(this.#firstStart, startedAt);
    this.#latestStart = Math.max(this.#latestStart, startedAt);
    const provenFrom = this.#provenFrom.get(kind) ?? [];
    this.#provenFrom.set(kind, provenFrom);
    for (let count = othersInFlight; count >= 0; count--) {
      if ((provenFrom[count] ?? Number.POSITIVE_INFINITY) <= startedAt) break;
      provenFrom[count] = startedAt;
    }
    const lost: Request[] = [];
    for (const request of this.#open) {
      // The others started even later.
      if (request.startedAt >= this.#latestStart) break;
      if (!this.#isLost(request)) continue;
      this.remove(request);
      this.#lost.add(request);
      lost.push(request);
    }
    return lost;
  }

  /**
   * Whether requests that started before or together with this one were answered, but none of its kind at its
   * concurrency. Otherwise its loss is no sign of too many requests.
   */
  isUnproven({ kind, othersInFlight, startedAt }: Request): boolean {
    const provenFrom = this.#provenFrom.get(kind)?.[othersInFlight] ?? Number.POSITIVE_INFINITY;
    return this.#firstStart <= startedAt && startedAt < provenFrom;
  }

  /**
   * The number in flight above which requests are being lost; undefined if none or just a few are. A server that
   * loses some of the requests sent together has lost the others as well. They are not counted from then on, so that
   * each answer allows another start, and the number at the server stays the same.
   */
  lostAbove(limit: number): number | undefined {
    const signs = [...this.#lost].filter((request) => this.isUnproven(request));
    if (!isBurst(signs.length, limit)) return undefined;
    const fewest = Math.min(...signs.map(({ othersInFlight }) => othersInFlight));
    this.#surplus = Math.max(this.#surplus, this.#open.size - fewest);
    return fewest;
  }

  #isLost({ kind, logEstimate, startedAt }: Request): boolean {
    const unusualMs = this.#durations.unusualMs(kind) * Math.exp(logEstimate);
    return this.#latestStart - startedAt > unusualMs;
  }
}
