import type { Segment } from './token-streams.js';

/** The alternative hypothesis: text arrives at half the speed. */
const SLOWER = Math.log(2);
/** The most log odds from one segment: a server may pause for a moment. */
const MAX_LOG_ODDS = 2;

/**
 * Detects text that arrives more slowly although the number in flight has not grown: Page's CUSUM
 * test, under each hypothesis.
 */
export class StreamSlowdownDetector {
  /** The log odds of a slowdown, by hypothesis. */
  readonly #logOdds: Float64Array;

  /** @param hypotheses The number of hypotheses. */
  constructor(hypotheses: number) {
    this.#logOdds = new Float64Array(hypotheses);
  }

  /** @param varianceOf The variance of segments under a hypothesis. */
  addSegment({ earlier, deviations }: Segment, varianceOf: (h: number) => number): void {
    if (earlier === 0) return;
    for (let h = 0; h < deviations.length; h++) {
      const deviation = deviations[h] as number;
      const variance = varianceOf(h) * (1 + 1 / earlier);
      const logOdds = (SLOWER * (deviation - SLOWER / 2)) / variance;
      const capped = Math.max(-MAX_LOG_ODDS, Math.min(MAX_LOG_ODDS, logOdds));
      this.#logOdds[h] = Math.max(0, (this.#logOdds[h] as number) + capped);
    }
  }

  /**
   * The lowest log odds over the plausible hypotheses.
   *
   * @param isPlausible Whether a hypothesis counts.
   */
  logOdds(isPlausible: (h: number) => boolean): number {
    let least = Number.POSITIVE_INFINITY;
    for (let h = 0; h < this.#logOdds.length; h++) {
      if (isPlausible(h)) least = Math.min(least, this.#logOdds[h] as number);
    }
    return least;
  }

  clear(): void {
    this.#logOdds.fill(0);
  }
}
