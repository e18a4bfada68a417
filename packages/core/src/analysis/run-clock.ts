/** Differences and sums of multiples of this are exact, for 70,000 years. */
const STEPS_PER_MS = 4096;

function exact(ms: number): number {
  return Math.round(ms * STEPS_PER_MS) / STEPS_PER_MS;
}

/** Converts Unix time to milliseconds since the start of a run, without the time it was down. */
export class RunClock {
  readonly startedAt: number;
  /** The latest time that was read. */
  latest = 0;
  #downtimeMs = 0;

  constructor(startedAt: number) {
    this.startedAt = startedAt;
  }

  /** The time of an event; never earlier than that of the event before. */
  advance(timestamp: number): number {
    this.latest = Math.max(this.latest, this.at(timestamp));
    return this.latest;
  }

  at(timestamp: number): number {
    return exact(timestamp - this.startedAt - this.#downtimeMs);
  }

  /** @returns By how much later times are earlier on this clock. */
  skip(downtimeMs: number): number {
    const skipped = exact(downtimeMs);
    this.#downtimeMs += skipped;
    return skipped;
  }
}
