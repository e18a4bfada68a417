import { Heap } from '@stratagem/core';
import type { Request } from './request.js';

/**
 * Tells lost requests from slow ones, as TCP does: by how many that started later were answered
 * earlier. No clock can, because a server may have become slow for all.
 */
export class Overtaking {
  /** Those in flight that nothing speaks against, in the order of their start. */
  readonly #open = new Map<number, Request>();
  readonly #lost = new Set<Request>();
  /** The highest orders that were answered, the lowest of them first. */
  readonly #answered = new Heap<number>((a, b) => a - b);

  /** How many are in flight, those taken to be lost not counted. */
  get held(): number {
    return this.#open.size;
  }

  get lost(): number {
    return this.#lost.size;
  }

  started(request: Request): void {
    this.#open.set(request.order, request);
  }

  ended(request: Request): void {
    this.#open.delete(request.order);
    this.#lost.delete(request);
  }

  /** @param patience How many later ones may be answered before a request is taken to be lost. */
  answered({ order }: Request, patience: number): void {
    this.#answered.push(order);
    while (this.#answered.size > patience) this.#answered.pop();
    if (this.#answered.size < patience) return;
    const before = this.#answered.peek() as number;
    for (const request of this.#open.values()) {
      if (request.order >= before) return;
      this.#open.delete(request.order);
      this.#lost.add(request);
    }
  }
}
