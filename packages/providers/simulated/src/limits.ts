import { Heap, RunnerError } from '@stratagem/core';

const MINUTE_MS = 60_000;

/** A request that the simulated server is working on. */
export interface Admission {
  readonly endsAt: number;
  ended: boolean;
}

/** The limits of a simulated server, which answers what is over them as a real one does: by 429. */
export class Limits {
  readonly #requestsPerMinute: number;
  readonly #maxConcurrent: number;
  /** When each request of the last minute was admitted, oldest first, from `#oldest` on. */
  #admitted: number[] = [];
  #oldest = 0;
  /** By when they are due to end. One that ended out of turn stays until it comes to the top. */
  readonly #working = new Heap<Admission>((a, b) => a.endsAt - b.endsAt);
  #inFlight = 0;

  constructor(requestsPerMinute: number, maxConcurrent: number) {
    this.#requestsPerMinute = requestsPerMinute;
    this.#maxConcurrent = maxConcurrent;
  }

  /**
   * Admits a request that will take `durationMs`; it must be handed back to `leave`.
   *
   * @throws {RunnerError} `rate_limited`, with the time to wait, when it is over a limit.
   */
  enter(now: number, durationMs: number): Admission {
    if (this.#inFlight >= this.#maxConcurrent) {
      throw rateLimited(`${this.#maxConcurrent} at once`, this.#working.peek()?.endsAt ?? now, now);
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
      throw rateLimited(`${this.#requestsPerMinute} a minute`, freeAt, now);
    }
    // The past is dropped when it is half of the list, so that each request is moved once at most.
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
  return new RunnerError('rate_limited', `the simulated model takes requests up to ${limit}`, {
    status: 429,
    retryAfterMs: Math.max(1, Math.ceil(freeAt - now)),
  });
}
