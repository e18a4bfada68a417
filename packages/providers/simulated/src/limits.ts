import { RunnerError } from '@stratagem/core/runner';
import { Heap } from '@stratagem/core/strategy';

const MINUTE_MS = 60_000;

/** A request that the simulated server is processing. */
export interface Admission {
  readonly endsAt: number;
  ended: boolean;
}

/** The limits of a simulated server, which refuses requests over a limit with a 429. */
export class Limits {
  readonly #requestsPerMinute: number;
  readonly #maxConcurrent: number;
  /** When each request of the last minute was admitted, oldest first, from `#oldest` on. */
  #admitted: number[] = [];
  #oldest = 0;
  /** By the expected end. A request that ends early stays until it reaches the top. */
  readonly #working = new Heap<Admission>((a, b) => a.endsAt - b.endsAt);
  #inFlight = 0;

  constructor(requestsPerMinute: number, maxConcurrent: number) {
    this.#requestsPerMinute = requestsPerMinute;
    this.#maxConcurrent = maxConcurrent;
  }

  /**
   * Admits a request that will take `durationMs`. The caller must pass the admission to `leave`.
   *
   * @throws {RunnerError} `rate_limited`, with the time to wait, when the request exceeds a limit.
   */
  enter(now: number, durationMs: number): Admission {
    if (this.#inFlight >= this.#maxConcurrent) {
      throw rateLimited(
        `${this.#maxConcurrent} concurrent requests`,
        this.#working.peek()?.endsAt ?? now,
        now,
      );
    }
    if (this.#requestsPerMinute !== Number.POSITIVE_INFINITY) this.#countInMinute(now);
    const admission = { endsAt: now + durationMs, ended: false };
    if (this.#maxConcurrent !== Number.POSITIVE_INFINITY) this.#working.push(admission);
    this.#inFlight++;
    return admission;
  }

  leave(admission: Admission): void {
    admission.ended = true;
    this.#inFlight--;
    while (this.#working.peek()?.ended) this.#working.pop();
  }

  #countInMinute(now: number): void {
    const admitted = this.#admitted;
    while (this.#oldest < admitted.length && at(admitted, this.#oldest) <= now - MINUTE_MS) {
      this.#oldest++;
    }
    if (admitted.length - this.#oldest >= this.#requestsPerMinute) {
      const freeAt = at(admitted, this.#oldest) + MINUTE_MS;
      throw rateLimited(`${this.#requestsPerMinute} requests per minute`, freeAt, now);
    }
    // Old times are removed once they are half of the list, so that each time is moved at most once.
    if (this.#oldest > admitted.length / 2) {
      this.#admitted = admitted.slice(this.#oldest);
      this.#oldest = 0;
    }
    this.#admitted.push(now);
  }
}

function at(times: readonly number[], index: number): number {
  return times[index] as number;
}

function rateLimited(limit: string, freeAt: number, now: number): RunnerError {
  return new RunnerError('rate_limited', `the simulated model accepts only ${limit}`, {
    status: 429,
    retryAfterMs: Math.max(1, Math.ceil(freeAt - now)),
  });
}
