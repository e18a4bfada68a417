import { RunnerError } from '@stratagem/core';

const MINUTE_MS = 60_000;

/** The limits of a simulated server, which answers what is over them as a real one does: by 429. */
export class Limits {
  readonly #requestsPerMinute: number;
  readonly #maxConcurrent: number;
  /** When each request of the last minute was accepted, oldest first. */
  readonly #accepted: number[] = [];
  #inFlight = 0;

  constructor(requestsPerMinute: number, maxConcurrent: number) {
    this.#requestsPerMinute = requestsPerMinute;
    this.#maxConcurrent = maxConcurrent;
  }

  /**
   * Accepts a request, which must then `leave`.
   *
   * @throws {RunnerError} `rate_limited` when it is over a limit.
   */
  enter(now: number): void {
    if (this.#inFlight >= this.#maxConcurrent) {
      const message = `the simulated model takes ${this.#maxConcurrent} requests at once`;
      throw new RunnerError('rate_limited', message, { status: 429 });
    }
    while (this.#accepted.length > 0 && (this.#accepted[0] as number) <= now - MINUTE_MS) {
      this.#accepted.shift();
    }
    if (this.#accepted.length >= this.#requestsPerMinute) {
      const message = `the simulated model takes ${this.#requestsPerMinute} requests a minute`;
      const retryAfterMs = Math.ceil((this.#accepted[0] as number) + MINUTE_MS - now);
      throw new RunnerError('rate_limited', message, { status: 429, retryAfterMs });
    }
    if (Number.isFinite(this.#requestsPerMinute)) this.#accepted.push(now);
    this.#inFlight++;
  }

  leave(): void {
    this.#inFlight--;
  }
}
