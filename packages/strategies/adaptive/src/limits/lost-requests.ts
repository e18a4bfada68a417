import { Heap } from '@stratagem/core/strategy';
import type { Request } from '../estimate/request.js';
import { MECHANISMS } from '../mechanisms.js';

/**
 * Tells lost requests from slow ones by the number of later requests that were answered first, as
 * TCP does (RACK). A timer cannot, because a server may have become slow for all requests.
 */
export class LostRequests {
  /** Requests in flight that are not lost, in the order of their start. */
  readonly #open = new Map<number, Request>();
  /** The one of them that started with the most others in flight. */
  #peak: Pick<Request, 'order' | 'othersInFlight'> = { order: -1, othersInFlight: -1 };
  /** The highest orders that were answered; the lowest of them is on top. */
  readonly #answered = new Heap<number>((a, b) => a - b);

  /** The number of requests in flight, without lost ones. */
  get inFlight(): number {
    return this.#open.size;
  }

  add(request: Request): void {
    this.#open.set(request.order, request);
    if (request.othersInFlight >= this.#peak.othersInFlight) this.#peak = request;
  }

  remove(request: Request): void {
    this.#open.delete(request.order);
  }

  /**
   * Counts an answer, and drops the requests that are now considered lost.
   *
   * @param rounds A request is lost after this many times its concurrent requests were answered.
   */
  recordAnswer({ order }: Request, rounds: number): void {
    if (!MECHANISMS.lostRequests) return;
    this.#answered.push(order);
    const patience = rounds * this.#mostInFlight();
    while (this.#answered.size > patience) this.#answered.pop();
    if (this.#answered.size < patience) return;
    const before = this.#answered.peek() as number;
    for (const request of this.#open.values()) {
      if (request.order >= before) return;
      this.#open.delete(request.order);
    }
  }

  /** The most requests in flight at once since the oldest open request started. */
  #mostInFlight(): number {
    const [oldest] = this.#open.keys();
    if (oldest !== undefined && oldest > this.#peak.order) {
      this.#peak = [...this.#open.values()].reduce((a, b) =>
        b.othersInFlight >= a.othersInFlight ? b : a,
      );
    }
    return this.#peak.othersInFlight + 1;
  }
}
