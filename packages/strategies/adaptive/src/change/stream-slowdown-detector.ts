import type { Stretch } from '../model/token-streams.js';

/** What is looked for: text comes at half the speed, or less. */
const SLOWER = Math.log(2);
/** One stretch of text says no more than this: a server may hold its breath for a moment. */
const MOST = 2;

/**
 * Whether text comes slower than it did although no more are in flight: Page's test, under each
 * hypothesis.
 */
export class StreamSlowdownDetector {
  /** How much speaks for it, as a logarithm of odds. */
  readonly #odds: Float64Array;

  /** @param hypotheses How many there are. */
  constructor(hypotheses: number) {
    this.#odds = new Float64Array(hypotheses);
  }

  /** @param varianceOf How far stretches of text differ under a hypothesis. */
  wrote({ before, deviations }: Stretch, varianceOf: (h: number) => number): void {
    if (before === 0) return;
    for (let h = 0; h < deviations.length; h++) {
      const deviation = deviations[h] as number;
      const variance = varianceOf(h) * (1 + 1 / before);
      const odds = (SLOWER * (deviation - SLOWER / 2)) / variance;
      const capped = Math.max(-MOST, Math.min(MOST, odds));
      this.#odds[h] = Math.max(0, (this.#odds[h] as number) + capped);
    }
  }

  /** @param counts Which hypotheses are to be believed at all. */
  odds(counts: (h: number) => boolean): number {
    let least = Number.POSITIVE_INFINITY;
    for (let h = 0; h < this.#odds.length; h++) {
      if (counts(h)) least = Math.min(least, this.#odds[h] as number);
    }
    return least;
  }

  clear(): void {
    this.#odds.fill(0);
  }
}
