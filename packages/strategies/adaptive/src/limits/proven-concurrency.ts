import type { Request } from '../estimate/request.js';

/**
 * Remembers at which concurrency requests have been answered. A timeout at a proven concurrency, or
 * while nothing at all is answered, is no sign of too many requests.
 */
export class ProvenConcurrency {
  /** By the number of others in flight: the order of the first request answered at that or more. */
  readonly #firsts: number[] = [];

  recordAnswer({ order, othersInFlight }: Request): void {
    for (let count = othersInFlight; count >= 0; count--) {
      if ((this.#firsts[count] ?? Number.POSITIVE_INFINITY) <= order) return;
      this.#firsts[count] = order;
    }
  }

  /** Whether a request that timed out started above the concurrency proven by earlier requests. */
  isUnproven({ order, othersInFlight }: Request): boolean {
    const isAnswering = (this.#firsts[0] ?? Number.POSITIVE_INFINITY) < order;
    return isAnswering && !((this.#firsts[othersInFlight] ?? Number.POSITIVE_INFINITY) < order);
  }
}
