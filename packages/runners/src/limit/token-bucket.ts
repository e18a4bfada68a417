/**
 * A token bucket that refills evenly and holds little, so that requests are spread over the minute.
 * An amount above the capacity is taken on credit, as soon as all earlier credit is repaid.
 * All times are in milliseconds; the caller passes the current time.
 */
export class TokenBucket {
  #perMs: number;
  #capacity: number;
  #level: number;
  #at: number;

  /** @param capacity How much can be taken at once after an idle period; at least 1. */
  constructor(perMs: number, capacity: number, now: number) {
    this.#perMs = perMs;
    this.#capacity = capacity;
    this.#level = capacity;
    this.#at = now;
  }

  /** Changes the rate and the capacity from now on. */
  configure(perMs: number, capacity: number, now: number): void {
    this.#refill(now);
    this.#perMs = perMs;
    this.#capacity = capacity;
    this.#level = Math.min(this.#level, capacity);
  }

  /** How long until the next amount may be taken, after `ahead` has been taken first. */
  waitMs(ahead: number, now: number): number {
    this.#refill(now);
    const missing = 1 + ahead - this.#level;
    // Without this tolerance, a rounding error would cost another timer.
    return missing > 1e-9 ? missing / this.#perMs : 0;
  }

  /** Takes an amount; a negative amount returns it. */
  take(amount: number, now: number): void {
    this.#refill(now);
    this.#level = Math.min(Math.max(this.#capacity, this.#level), this.#level - amount);
  }

  /** Refills after a late timer: up to `ms` of refill may exceed the capacity. */
  keepLate(ms: number, now: number): void {
    if (now <= this.#at) return;
    const most = Math.max(this.#level, this.#capacity + ms * this.#perMs);
    this.#level = Math.min(most, this.#level + (now - this.#at) * this.#perMs);
    this.#at = now;
  }

  /** Lowers the level to this one, unless it is lower already. */
  lowerTo(level: number, now: number): void {
    this.#refill(now);
    this.#level = Math.min(this.#level, level);
  }

  #refill(now: number): void {
    if (now <= this.#at) return;
    const most = Math.max(this.#capacity, this.#level);
    this.#level = Math.min(most, this.#level + (now - this.#at) * this.#perMs);
    this.#at = now;
  }
}
