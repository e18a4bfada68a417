/**
 * Paces what is taken from it: refills evenly, and holds little, so that what starts is spread over
 * the minute. A large amount is taken as soon as all before it is paid for, and paid for afterwards:
 * nothing is too large to be taken at all. Times are in milliseconds, and always given.
 */
export class TokenBucket {
  #perMs: number;
  #capacity: number;
  #level: number;
  #at: number;

  /** @param capacity What may be taken at once after a quiet time; at least 1. */
  constructor(perMs: number, capacity: number, now: number) {
    this.#perMs = perMs;
    this.#capacity = capacity;
    this.#level = capacity;
    this.#at = now;
  }

  /** From now on it refills like this. */
  configure(perMs: number, capacity: number, now: number): void {
    this.#refill(now);
    this.#perMs = perMs;
    this.#capacity = capacity;
    this.#level = Math.min(this.#level, capacity);
  }

  /** How long until something may be taken, after so much else has been. */
  waitMs(ahead: number, now: number): number {
    this.#refill(now);
    const missing = 1 + ahead - this.#level;
    // Sums of fractions are not exact: without this, the last billionth would cost another timer.
    return missing > 1e-9 ? missing / this.#perMs : 0;
  }

  /** Takes an amount; a negative one is given back. */
  take(amount: number, now: number): void {
    this.#refill(now);
    this.#level = Math.min(this.#capacity, this.#level - amount);
  }

  /** There is no more in it than this. */
  lowerTo(level: number, now: number): void {
    this.#refill(now);
    this.#level = Math.min(this.#level, level);
  }

  #refill(now: number): void {
    if (now <= this.#at) return;
    this.#level = Math.min(this.#capacity, this.#level + (now - this.#at) * this.#perMs);
    this.#at = now;
  }
}
