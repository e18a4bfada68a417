import { Heap } from '@stratagem/core';
import type { Request } from '../model/request.js';

/**
 * Tells lost requests from slow ones, as TCP does: by how many that started later were answered
 * earlier. No clock can, because a server may have become slow for all.
 */
export class LostRequests {
  /** Those in flight that nothing speaks against, in the order of their start. */
  readonly #open = new Map<number, Request>();
  /** The one of them that found the most beside it. */
  #peak: Pick<Request, 'order' | 'beside'> = { order: -1, beside: -1 };
  /** The highest orders that were answered, the lowest of them first. */
  readonly #answered = new Heap<number>((a, b) => a - b);

  /** How many are in flight, those taken to be lost not counted. */
  get held(): number {
    return this.#open.size;
  }

  started(request: Request): void {
    this.#open.set(request.order, request);
    if (request.beside >= this.#peak.beside) this.#peak = request;
  }

  ended(request: Request): void {
    this.#open.delete(request.order);
  }

  /** @param rounds How many times those beside a request may be answered before it is taken to be lost. */
  answered({ order }: Request, rounds: number): void {
    this.#answered.push(order);
    const patience = rounds * this.#most();
    while (this.#answered.size > patience) this.#answered.pop();
    if (this.#answered.size < patience) return;
    const before = this.#answered.peek() as number;
    for (const request of this.#open.values()) {
      if (request.order >= before) return;
      this.#open.delete(request.order);
    }
  }

  /** How many have been in flight at once since the oldest of them started. */
  #most(): number {
    const [oldest] = this.#open.keys();
    if (oldest !== undefined && oldest > this.#peak.order) {
      this.#peak = [...this.#open.values()].reduce((a, b) => (b.beside >= a.beside ? b : a));
    }
    return this.#peak.beside + 1;
  }
}
