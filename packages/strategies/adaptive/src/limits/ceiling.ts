/** The highest limit that refusals and timeouts allow. */
export class Ceiling {
  value: number;
  /** Requests timed out above this. It never rises: a timeout costs too much to try again. */
  #permanent: number;
  /** The last raise, and the answers since the last raise or refusal. */
  #step = 0;
  #answers = 0;

  /** @param permanent Requests timed out above this in an earlier run. */
  constructor(permanent = Number.POSITIVE_INFINITY) {
    this.value = permanent;
    this.#permanent = permanent;
  }

  /** The ceiling for the next run; undefined when no request timed out. */
  get known(): number | undefined {
    return Number.isFinite(this.#permanent) ? this.#permanent : undefined;
  }

  /** Sets the ceiling after a refusal. */
  lowerAfterRefusal(inFlight: number): void {
    this.value = inFlight;
    this.#step = this.#answers = 0;
  }

  /** Sets the permanent ceiling after timeouts. */
  lowerAfterTimeouts(inFlight: number): void {
    this.#permanent = Math.min(this.#permanent, inFlight);
    this.value = Math.min(this.value, inFlight);
  }

  /** Counts an answer; after a round without a refusal the ceiling rises, by twice as much each time. */
  recordAnswer(limit: number): void {
    if (this.value >= this.#permanent || ++this.#answers < limit) return;
    this.#answers = 0;
    this.#step = Math.max(1, 2 * this.#step);
    this.value = Math.min(this.#permanent, this.value + this.#step);
  }
}
