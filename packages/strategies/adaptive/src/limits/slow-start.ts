/** The share of a latency over which the additional starts are spread. */
const SHARE = 0.2;

/**
 * Spreads the starts that a raised limit allows over a short time. A server that refuses some of
 * them can then be heard before all of them are sent.
 */
export class SlowStart {
  #from = 0;
  #to = 0;
  #at = 0;
  #durationMs = 0;

  /** Begins a ramp from one limit to a higher one. */
  begin(from: number, to: number, latencyMs: number, now: number): void {
    this.#from = from;
    this.#to = to;
    this.#at = now;
    this.#durationMs = SHARE * latencyMs;
  }

  /** When one more request may start. */
  availableAt(inFlight: number, now: number): number {
    if (inFlight < this.#from || inFlight >= this.#to) return now;
    const share = (inFlight + 1 - this.#from) / (this.#to - this.#from);
    return Math.max(now, this.#at + share * this.#durationMs);
  }
}
