/** The share of a latency over which the additional starts are spread. */
const SHARE = 0.2;

/**
 * Spreads the starts that a raised limit allows over a short time. A server that refuses some of
 * them can then be heard before all of them are sent.
 */
export class SlowStart {
  /** The limit, and the one before. */
  #limit: number;
  #before = 0;
  #changedAt = 0;
  #durationMs = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  recordLimit(limit: number, latencyMs: number, now: number): void {
    if (limit === this.#limit) return;
    this.#before = this.#limit;
    this.#limit = limit;
    this.#changedAt = now;
    this.#durationMs = SHARE * latencyMs;
  }

  /** When one more request may start. */
  availableAt(inFlight: number, now: number): number {
    if (inFlight < this.#before || inFlight >= this.#limit) return now;
    const share = (inFlight + 1 - this.#before) / (this.#limit - this.#before);
    return Math.max(now, this.#changedAt + share * this.#durationMs);
  }
}
