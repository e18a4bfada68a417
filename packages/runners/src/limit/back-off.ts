/** What is left of the pace after a refusal. */
const SLOWER = 0.9;
/** What comes back in a minute, as a share of the full pace. */
const RECOVERY_PER_MS = 0.1 / 60_000;
const SLOWEST = 0.05;
/** The pause after a refusal that gives no time, and the longest after many in a row. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** How a request ended, as far as it tells whether others may be sent. */
export interface Ending {
  readonly startedAt: number;
  /** The server takes no more requests for now, or has no capacity; otherwise it took this one. */
  readonly refusal: 'rate_limited' | 'overloaded' | undefined;
  /** For how long, if the server said. */
  readonly retryAfterMs: number | undefined;
  /** Whether the answer also announced a limit that is lower than what was known. */
  readonly isExplained: boolean;
}

/**
 * What follows from refusals. All starts pause for as long as the server asks. And where it refuses
 * what should have been permitted, its limit is lower than was said, or others use it too: so the
 * pace falls by a tenth, and comes back over a minute, as how much is permitted can only be tried.
 * Times are in milliseconds, and always given.
 */
export class BackOff {
  #pausedUntil = 0;
  #pace = 1;
  /** When the pace was lowered: refusals of what was sent before are no news. */
  #slowedAt = Number.NEGATIVE_INFINITY;
  #refusalsInARow = 0;

  get pausedUntil(): number {
    return this.#pausedUntil;
  }

  /** The share of the limits that is to be used. */
  pace(now: number): number {
    if (this.#pace === 1) return 1;
    return Math.min(1, this.#pace + (now - this.#slowedAt) * RECOVERY_PER_MS);
  }

  /** @returns Whether starts are paused for longer now. */
  learn({ startedAt, refusal, retryAfterMs, isExplained }: Ending, now: number): boolean {
    const before = this.#pausedUntil;
    const isNews = startedAt > this.#slowedAt;
    if (refusal === undefined && isNews) this.#refusalsInARow = 0;
    if (refusal === 'rate_limited' && isNews) {
      this.#refusalsInARow++;
      this.#pace = isExplained ? this.pace(now) : Math.max(SLOWEST, this.pace(now) * SLOWER);
      this.#slowedAt = now;
      if (retryAfterMs === undefined) this.#pauseUntil(now + this.#patience());
    }
    if (refusal !== undefined && retryAfterMs !== undefined) this.#pauseUntil(now + retryAfterMs);
    return this.#pausedUntil > before;
  }

  #patience(): number {
    return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.#refusalsInARow - 1));
  }

  #pauseUntil(time: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, time);
  }
}
