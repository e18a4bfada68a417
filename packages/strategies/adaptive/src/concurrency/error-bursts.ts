/** Signs by fewer than this share of the limit, or by one request alone, are of something else. */
const MANY = 0.1;
/** They fade over so many answers, or a round if that is more. */
const LEAST_MEMORY = 8;

/**
 * Counts what may be signs of too many in flight, a timeout or a server's error: now and then they
 * come at any load, and mean nothing; many of them within a round do not.
 */
export class ErrorBursts {
  #count = 0;
  #beside = Number.POSITIVE_INFINITY;

  /** A request was answered under a limit. */
  answered(limit: number): void {
    if (this.#count === 0) return;
    this.#count *= 1 - 1 / Math.max(LEAST_MEMORY, limit);
    if (this.#count < 0.5) this.#forget();
  }

  /**
   * @param beside How many others were in flight.
   * @returns The fewest of those, when there are enough signs; undefined before.
   */
  seen(beside: number, limit: number): number | undefined {
    this.#count++;
    this.#beside = Math.min(this.#beside, beside);
    if (this.#count < Math.max(2, MANY * limit)) return undefined;
    const fewest = this.#beside;
    this.#forget();
    return fewest;
  }

  #forget(): void {
    this.#count = 0;
    this.#beside = Number.POSITIVE_INFINITY;
  }
}
