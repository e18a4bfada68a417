/** The share of the limit that must be hit by errors. A single request is never enough. */
const MIN_SHARE = 0.1;

/** Whether so many errors within a round are a sign of overload. */
export function isBurst(count: number, limit: number): boolean {
  return count >= Math.max(2, MIN_SHARE * limit);
}

/**
 * Tells overload from errors that occur at any load. Single timeouts or server errors say nothing
 * about load; a burst of them within a round does.
 */
export class ErrorBursts {
  #count = 0;
  #fewest = Number.POSITIVE_INFINITY;

  /** Counts an answer: it makes earlier errors less relevant. */
  recordAnswer(limit: number): void {
    this.#count *= 1 - 1 / Math.max(2, limit);
    if (this.#count < 0.5) this.#reset();
  }

  /**
   * @param inFlight The other requests in flight.
   * @returns The lowest of those numbers when the errors form a burst; undefined otherwise.
   */
  recordError(inFlight: number, limit: number): number | undefined {
    this.#count++;
    this.#fewest = Math.min(this.#fewest, inFlight);
    if (!isBurst(this.#count, limit)) return undefined;
    const fewest = this.#fewest;
    this.#reset();
    return fewest;
  }

  #reset(): void {
    this.#count = 0;
    this.#fewest = Number.POSITIVE_INFINITY;
  }
}
