/** What part of a latency the additional starts of a raise are spread over. */
const SPREAD = 0.2;

/**
 * Spreads the starts that a raised limit allows over a moment, short beside what requests take: a
 * server that refuses some of them is heard before all of them are sent.
 */
export class SlowStart {
  #from = 0;
  #to = 0;
  #at = 0;
  #lengthMs = 0;

  raised(from: number, to: number, latencyMs: number, now: number): void {
    this.#from = from;
    this.#to = to;
    this.#at = now;
    this.#lengthMs = SPREAD * latencyMs;
  }

  /** When there may be one more than so many in flight. */
  availableAt(held: number, now: number): number {
    if (held < this.#from || held >= this.#to) return now;
    const share = (held + 1 - this.#from) / (this.#to - this.#from);
    return Math.max(now, this.#at + share * this.#lengthMs);
  }
}
