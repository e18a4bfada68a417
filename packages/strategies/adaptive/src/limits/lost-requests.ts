import { Durations } from '../estimate/durations.js';
import type { Kind, Request } from '../estimate/request.js';
import { isBurst } from './error-bursts.js';

/** A request in flight. */
export interface OpenRequest extends Request {
  /** How many others had ended when it started: the same for all that were sent together. */
  readonly endedBefore: number;
}

/**
 * Tells lost requests from slow ones: a request is lost when one that started much later has been answered, as
 * in TCP (RACK). A timer cannot tell them apart, because a server may have become slow for all requests.
 */
export class LostRequests {
  /** Requests in flight that are not lost, in the order of their start. */
  readonly #open = new Set<OpenRequest>();
  /** Lost requests that have neither timed out nor been answered. */
  readonly #lost = new Set<OpenRequest>();
  /** How many more are lost, though it is not known which. */
  #surplus = 0;
  /** Relative to estimates, where tasks have one. */
  readonly #durations = new Durations();
  /** The latest start of an answered request. */
  #latestStart = Number.NEGATIVE_INFINITY;
  /** How many requests have ended. */
  ended = 0;
  /** How many had ended when the first answered request started. */
  #firstAnswered = Number.POSITIVE_INFINITY;
  /** The same for the first of a kind that had so many others in flight, or more. */
  readonly #provenFrom = new Map<Kind, number[]>();

  /** The number of requests in flight, without lost ones. */
  get inFlight(): number {
    return this.#open.size - this.#surplus;
  }

  add(request: OpenRequest): void {
    this.#open.add(request);
  }

  /** Removes a request that failed. */
  remove(request: OpenRequest): void {
    this.ended++;
    this.#lost.delete(request);
    if (this.#open.delete(request)) this.#surplus = Math.max(0, this.#surplus - 1);
  }

  /**
   * Removes an answered request.
   *
   * @returns The requests that are now considered lost.
   */
  recordAnswer(answered: OpenRequest, now: number): readonly OpenRequest[] {
    const { kind, logEstimate, othersInFlight, startedAt, endedBefore } = answered;
    this.ended++;
    this.#open.delete(answered);
    this.#lost.delete(answered);
    this.#surplus = Math.min(this.#surplus, this.#open.size);
    this.#durations.record(kind, Math.max(1, now - startedAt) / Math.exp(logEstimate));
    this.#firstAnswered = Math.min(this.#firstAnswered, endedBefore);
    this.#latestStart = Math.max(this.#latestStart, startedAt);
    const provenFrom = this.#provenFrom.get(kind) ?? [];
    this.#provenFrom.set(kind, provenFrom);
    for (let count = othersInFlight; count >= 0; count--) {
      if ((provenFrom[count] ?? Number.POSITIVE_INFINITY) <= endedBefore) break;
      provenFrom[count] = endedBefore;
    }
    const lost: OpenRequest[] = [];
    for (const request of this.#open) {
      // The others started even later.
      if (request.startedAt >= this.#latestStart) break;
      if (!this.#isLost(request)) continue;
      this.#open.delete(request);
      this.#surplus = Math.max(0, this.#surplus - 1);
      this.#lost.add(request);
      lost.push(request);
    }
    return lost;
  }

  /**
   * Whether requests that started before or together with this one were answered, but none of its kind at its
   * concurrency. Otherwise its loss is no sign of too many requests.
   */
  isUnproven({ kind, othersInFlight, endedBefore }: OpenRequest): boolean {
    const provenFrom = this.#provenFrom.get(kind)?.[othersInFlight] ?? Number.POSITIVE_INFINITY;
    return this.#firstAnswered <= endedBefore && endedBefore < provenFrom;
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
