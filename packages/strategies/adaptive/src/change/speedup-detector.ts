import type { TaskType } from '@stratagem/core';
import { type Covariance, restOf } from '../model/covariance.js';
import type { Hypothesis } from '../model/hypotheses.js';
import { expectedWork, type LognormalEm, type Middle, scoreOf } from '../model/lognormal-em.js';
import { logTail } from '../model/normal.js';
import type { Request } from '../model/request.js';
import type { Stretch } from '../model/token-streams.js';
import { logWork } from '../model/work-statistics.js';

/** How many times higher a knee may be by now. */
const FACTORS = [2, 4];
/** One stretch of text says no more than this. */
const MOST = 2;

/**
 * Whether a knee that was found has moved up: Page's test, of the higher knee against the one that
 * was found, by all that is answered while more are in flight than that.
 */
export class SpeedupDetector {
  readonly #found: number;
  /** The hypotheses of higher knees, and how much speaks for each, as a logarithm of odds. */
  readonly #higher: readonly number[];
  readonly #odds: number[];
  readonly #middles: ReadonlyMap<TaskType, Middle>;
  readonly #spread: Covariance;

  /**
   * @param found Which hypothesis was found to be true.
   * @param fit What requests are under it.
   */
  constructor(hypotheses: readonly Hypothesis[], found: number, { middles, spread }: LognormalEm) {
    const { knee, exponent } = hypotheses[found] as Hypothesis;
    const most = Math.max(...hypotheses.map((each) => (each.exponent === 0 ? 0 : each.knee)));
    this.#found = found;
    this.#higher = hypotheses.flatMap((each, h) => {
      const isHigher = FACTORS.some((factor) => each.knee === factor * knee);
      const isTop = each.exponent === 0 && 2 * knee > most;
      return (isHigher && each.exponent === exponent) || isTop ? [h] : [];
    });
    this.#odds = this.#higher.map(() => 0);
    this.#middles = new Map(middles);
    this.#spread = spread;
  }

  /**
   * @param start The progress when it started.
   * @param speeds How fast requests got on when it was answered, by hypothesis.
   */
  answered(
    { task }: Request,
    logTokens: number,
    start: Float64Array,
    progress: Float64Array,
    speeds: Float64Array,
  ): void {
    const middle = this.#middles.get(task.type);
    if (middle === undefined) return;
    const expected = expectedWork(middle, this.#spread, logTokens);
    const variance = restOf(this.#spread);
    const likelihood = (h: number) => {
      const log = logWork(start, progress, h);
      return Math.log(speeds[h] as number) - log - (log - expected) ** 2 / (2 * variance);
    };
    const found = likelihood(this.#found);
    for (const [index, h] of this.#higher.entries()) {
      this.#odds[index] = Math.max(0, (this.#odds[index] as number) + likelihood(h) - found);
    }
  }

  /** @param variance How far stretches of text differ. */
  wrote({ before, deviations, densities }: Stretch, variance: number): void {
    if (before === 0) return;
    const scale = 2 * variance * (1 + 1 / before);
    const likelihood = (h: number) =>
      (densities[h] as number) - (deviations[h] as number) ** 2 / scale;
    const found = likelihood(this.#found);
    for (const [index, h] of this.#higher.entries()) {
      const odds = Math.max(-MOST, Math.min(MOST, likelihood(h) - found));
      this.#odds[index] = Math.max(0, (this.#odds[index] as number) + odds);
    }
  }

  /** How much speaks for a higher knee, as a logarithm of odds, with what is not answered yet. */
  odds(open: ReadonlyMap<Request, Float64Array>, progress: Float64Array): number {
    let most = 0;
    for (const [index, h] of this.#higher.entries()) {
      let odds = this.#odds[index] as number;
      for (const [{ task }, start] of open) {
        const middle = this.#middles.get(task.type);
        if (middle === undefined) continue;
        const tail = (of: number) =>
          logTail(scoreOf(middle, this.#spread, logWork(start, progress, of)));
        odds += tail(h) - tail(this.#found);
      }
      most = Math.max(most, odds);
    }
    return most;
  }
}
