import { type Covariance, residualVariance } from './covariance.js';
import type { Hypothesis } from './hypotheses.js';
import { expectedLogWork, type LogMeans, type LognormalEm, zScore } from './lognormal-em.js';
import { logSurvival } from './normal.js';
import type { Kind, Request } from './request.js';
import type { Segment } from './token-streams.js';
import { logWorkBetween } from './work-statistics.js';

/**
 * Detects a knee that has moved up: Page's CUSUM test of each higher knee against the one found
 * before. Only requests above the old knee are evidence, so it needs probes at a higher limit.
 */
export class SpeedupDetector {
  readonly #found: number;
  /** The hypotheses with a higher knee, and the log odds of each. */
  readonly #higher: readonly number[];
  readonly #logOdds: number[];
  readonly #means: ReadonlyMap<Kind, LogMeans>;
  readonly #covariance: Covariance;

  /**
   * @param found The index of the hypothesis that was found before.
   * @param fit The fitted distribution under it.
   */
  constructor(
    hypotheses: readonly Hypothesis[],
    found: number,
    { means, covariance }: LognormalEm,
  ) {
    const { knee, exponent } = hypotheses[found] as Hypothesis;
    const most = Math.max(...hypotheses.map((each) => (each.exponent === 0 ? 0 : each.knee)));
    this.#found = found;
    this.#higher = hypotheses.flatMap((each, h) => {
      const isHigher = each.knee === 2 * knee;
      const isTop = each.exponent === 0 && 2 * knee > most;
      return (isHigher && each.exponent === exponent) || isTop ? [h] : [];
    });
    this.#logOdds = this.#higher.map(() => 0);
    this.#means = new Map(means);
    this.#covariance = covariance;
  }

  /**
   * @param start The progress when the request started, by hypothesis.
   * @param logSpeeds The log of the speed of requests when it was answered, by hypothesis.
   */
  recordAnswer(
    { kind, logEstimate }: Request,
    logTokens: number,
    start: Float64Array,
    progress: Float64Array,
    logSpeeds: Float64Array,
  ): void {
    const mean = this.#means.get(kind);
    if (mean === undefined) return;
    const expected = expectedLogWork(mean, this.#covariance, logTokens);
    const variance = residualVariance(this.#covariance);
    this.#add((h) => {
      const logWork = logWorkBetween(start, progress, h) - logEstimate;
      return (logSpeeds[h] as number) - logWork - (logWork - expected) ** 2 / (2 * variance);
    });
  }

  /** @param variance The variance of segments of text. */
  addSegment({ earlier, deviations, logJacobians }: Segment, variance: number): void {
    if (earlier === 0) return;
    const scale = 2 * variance * (1 + 1 / earlier);
    this.#add((h) => (logJacobians[h] as number) - (deviations[h] as number) ** 2 / scale);
  }

  /** Adds an observation to the log odds, which never fall below 0. */
  #add(logLikelihood: (h: number) => number): void {
    const found = logLikelihood(this.#found);
    for (const [index, h] of this.#higher.entries()) {
      const logOdds = (this.#logOdds[index] as number) + logLikelihood(h) - found;
      this.#logOdds[index] = Math.max(0, logOdds);
    }
  }

  /**
   * The log odds of the likeliest higher knee. Requests in flight count as right-censored.
   *
   * @param open Requests in flight, with their progress at the start.
   */
  logOdds(open: ReadonlyMap<Request, Float64Array>, progress: Float64Array): number {
    let most = 0;
    for (const [index, h] of this.#higher.entries()) {
      let logOdds = this.#logOdds[index] as number;
      for (const [{ kind, logEstimate }, start] of open) {
        const mean = this.#means.get(kind);
        if (mean === undefined) continue;
        const survival = (of: number) =>
          logSurvival(
            zScore(mean, this.#covariance, logWorkBetween(start, progress, of) - logEstimate),
          );
        logOdds += survival(h) - survival(this.#found);
      }
      most = Math.max(most, logOdds);
    }
    return most;
  }
}
