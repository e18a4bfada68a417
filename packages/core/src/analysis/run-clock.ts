/** Differences and sums of multiples of this are exact, for 70,000 years. */
const STEPS_PER_MS = 4096;

/** The nearest time whose sums and differences are exact. */
export function exact(ms: number): number {
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
    return exact(this.rawAt(timestamp));
  }

  /** For a time that may be moved before it is used. */
  rawAt(timestamp: number): number {
    return timestamp - this.startedAt - this.#downtimeMs;
  }

  skip(downtimeMs: number): void {
    this.#downtimeMs += downtimeMs;
  }
}
