/** The highest limit that refusals and timeouts allow. */
export class Ceiling {
  value: number;
  /** Requests timed out above this. The ceiling never rises above it: a timeout costs too much to try again. */
  permanent: number;
  /** The last raise, and the answers since the last raise or refusal. */
  #step = 0;
  #answers = 0;

  /** @param permanent Requests timed out above this in an earlier run. */
  constructor(permanent = Number.POSITIVE_INFINITY) {
    this.value = permanent;
    this.permanent = permanent;
  }

  lower(limit: number, isPermanent: boolean): void {
    this.value = Math.min(this.value, limit);
    if (isPermanent) this.permanent = Math.min(this.permanent, limit);
    else this.#step = this.#answers = 0;
  }

  /** Counts an answer; after a round without a refusal the ceiling rises, by twice as much each time. */
  recordAnswer(limit: number): void {
    if (this.value >= this.permanent || ++this.#answers < limit) return;
    this.#answers = 0;
    this.#step = Math.max(1, 2 * this.#step);
    this.value = Math.min(this.permanent, this.value + this.#step);
  }
}
