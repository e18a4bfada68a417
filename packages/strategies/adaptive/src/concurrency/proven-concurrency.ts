import type { Request } from '../model/request.js';

/**
 * Remembers beside how many others requests have been answered. One that is lost beside fewer than
 * that, or when nothing at all is answered, was not one too many.
 */
export class ProvenConcurrency {
  /** The order of the first request that was answered beside so many others, or more; never falls. */
  readonly #firsts: number[] = [];

  answered({ order, beside }: Request): void {
    for (let count = beside; count >= 0; count--) {
      if ((this.#firsts[count] ?? Number.POSITIVE_INFINITY) <= order) return;
      this.#firsts[count] = order;
    }
  }

  /** Whether there may have been too many beside a request that was lost. */
  mayBeTooMany({ order, beside }: Request): boolean {
    const isAnswering = (this.#firsts[0] ?? Number.POSITIVE_INFINITY) < order;
    return isAnswering && !((this.#firsts[beside] ?? Number.POSITIVE_INFINITY) < order);
  }
}
