const SLOT_MS = 1_000;
/** The slots of a minute, plus the current second. */
const SLOTS = 61;

/**
 * The amounts of the last minute, in slots of a second. No minute holds more than the limit,
 * wherever the server's own window begins.
 * All times are in milliseconds; the caller passes the current time.
 */
export class SlidingWindow {
  readonly #slots = new Float64Array(SLOTS);
  /** The newest second. */
  #newest = 0;
  #sum = 0;

  sum(now: number): number {
    this.#advance(now);
    return this.#sum;
  }

  /** Adds an amount at a time; a negative one corrects it. A time before the window is ignored. */
  add(amount: number, at: number, now: number): void {
    this.#advance(now);
    const second = Math.floor(at / SLOT_MS);
    if (second <= this.#newest - SLOTS) return;
    const slot = second % SLOTS;
    this.#slots[slot] = (this.#slots[slot] as number) + amount;
    this.#sum += amount;
  }

  /** How long until the amount fits. An amount above the limit fits into an empty window. */
  waitMs(amount: number, limit: number, now: number): number {
    this.#advance(now);
    const most = Math.max(0, limit - amount);
    let sum = this.#sum;
    for (let age = SLOTS - 1; age >= 0 && sum > most; age--) {
      const second = this.#newest - age;
      if (second < 0) continue;
      sum -= this.#slots[second % SLOTS] as number;
      if (sum <= most) return (second + SLOTS) * SLOT_MS - now;
    }
    return 0;
  }

  #advance(now: number): void {
    const second = Math.floor(now / SLOT_MS);
    if (second - this.#newest >= SLOTS) {
      this.#slots.fill(0);
      this.#sum = 0;
      this.#newest = second;
    }
    while (this.#newest < second) {
      const slot = ++this.#newest % SLOTS;
      this.#sum -= this.#slots[slot] as number;
      this.#slots[slot] = 0;
    }
  }
}
