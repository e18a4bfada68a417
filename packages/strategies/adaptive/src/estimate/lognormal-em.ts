import { type Covariance, PRIOR_COUNT, PRIOR_WITHOUT_TOKENS } from './covariance.js';
import { logSurvival, truncatedMean } from './normal.js';
import type { Kind } from './request.js';
import type { WorkStatistics } from './work-statistics.js';

/** EM iterations of each fit, which continues from the last one. One costs batches 1.6 %, three gain nothing. */
const ITERATIONS = 2;

/** Requests of one kind that are in flight and started one after the other. */
export interface CensoredGroup {
  readonly kind: Kind;
  count: number;
  /** The mean log work done so far, by hypothesis. */
  readonly meanLogWork: Float64Array;
}

/** The mean log work and mean log tokens of a kind. */
export interface LogMeans {
  readonly work: number;
  readonly tokens: number;
}

/**
 * A bivariate log-normal distribution of work and tokens under one hypothesis, fitted by
 * expectation-maximization (EM). Requests in flight are right-censored observations of work.
 */
export class LognormalEm {
  readonly means = new Map<Kind, LogMeans>();
  covariance = PRIOR_WITHOUT_TOKENS;

  readonly #h: number;

  /** @param h The index of the hypothesis. */
  constructor(h: number) {
    this.#h = h;
  }

  /**
   * Updates the fit. It continues from the last one, so a few iterations are enough.
   *
   * @param prior The prior covariance.
   * @returns The log-likelihood of the answers and the censored requests.
   */
  fit(
    statistics: ReadonlyMap<Kind, WorkStatistics>,
    groups: readonly CensoredGroup[],
    prior: Covariance,
  ): number {
    if (this.means.size === 0) this.covariance = prior;
    for (const kind of this.means.keys()) if (!statistics.has(kind)) this.means.delete(kind);
    for (const [kind, { count, sums, tokens }] of statistics) {
      if (this.means.has(kind)) continue;
      this.means.set(kind, { work: (sums[this.#h] as number) / count, tokens: tokens / count });
    }
    for (let iteration = 0; iteration < ITERATIONS; iteration++) {
      this.#iterate(statistics, groups, prior);
    }
    return this.#logLikelihood(statistics, groups, prior);
  }

  /** One EM iteration: the expected moments of censored requests, then the new parameters. */
  #iterate(
    statistics: ReadonlyMap<Kind, WorkStatistics>,
    groups: readonly CensoredGroup[],
    prior: Covariance,
  ): void {
    const { xx, xy, yy } = this.covariance;
    /** Regression of log tokens on log work. */
    const slope = xy / yy;
    const residual = xx - slope * xy;
    const deviation = Math.sqrt(yy);
    let count = PRIOR_COUNT;
    const deviations = {
      xx: PRIOR_COUNT * prior.xx,
      xy: PRIOR_COUNT * prior.xy,
      yy: PRIOR_COUNT * prior.yy,
    };
    for (const [kind, answers] of statistics) {
      const mean = this.means.get(kind) as LogMeans;
      let n = answers.count;
      let x = answers.tokens;
      let y = answers.sums[this.#h] as number;
      let squaresOfX = answers.tokenSquares;
      let squaresOfY = answers.squares[this.#h] as number;
      let products = answers.products[this.#h] as number;
      for (const group of groups) {
        if (group.kind !== kind) continue;
        const z = ((group.meanLogWork[this.#h] as number) - mean.work) / deviation;
        const above = truncatedMean(z);
        const work = mean.work + deviation * above;
        const variance = yy * Math.max(0, 1 + z * above - above * above);
        const tokens = mean.tokens + slope * (work - mean.work);
        n += group.count;
        x += group.count * tokens;
        y += group.count * work;
        squaresOfX += group.count * (tokens * tokens + residual + slope * slope * variance);
        squaresOfY += group.count * (work * work + variance);
        products += group.count * (tokens * work + slope * variance);
      }
      count += n;
      deviations.xx += squaresOfX - (x * x) / n;
      deviations.xy += products - (x * y) / n;
      deviations.yy += squaresOfY - (y * y) / n;
      this.means.set(kind, { work: y / n, tokens: x / n });
    }
    this.covariance = {
      xx: deviations.xx / count,
      xy: deviations.xy / count,
      yy: deviations.yy / count,
    };
  }

  #logLikelihood(
    statistics: ReadonlyMap<Kind, WorkStatistics>,
    groups: readonly CensoredGroup[],
    prior: Covariance,
  ): number {
    let count = PRIOR_COUNT;
    let xx = PRIOR_COUNT * prior.xx;
    let xy = PRIOR_COUNT * prior.xy;
    let yy = PRIOR_COUNT * prior.yy;
    for (const [kind, answers] of statistics) {
      const { work: my, tokens: mx } = this.means.get(kind) as LogMeans;
      const y = answers.sums[this.#h] as number;
      count += answers.count;
      xx += answers.tokenSquares - 2 * mx * answers.tokens + answers.count * mx * mx;
      xy +=
        (answers.products[this.#h] as number) -
        mx * y -
        my * answers.tokens +
        answers.count * mx * my;
      yy += (answers.squares[this.#h] as number) - 2 * my * y + answers.count * my * my;
    }
    // Each further kind has a mean of its own, so its first answer says nothing about deviations.
    let means = -1;
    for (const { count: weight } of statistics.values()) means += Math.min(1, weight);
    count -= Math.max(0, means);
    const { covariance } = this;
    const determinant = covariance.xx * covariance.yy - covariance.xy * covariance.xy;
    const distance = covariance.yy * xx - 2 * covariance.xy * xy + covariance.xx * yy;
    let logLikelihood = -0.5 * (count * Math.log(determinant) + distance / determinant);
    const deviation = Math.sqrt(covariance.yy);
    let kind: Kind | undefined;
    let mean = 0;
    for (const group of groups) {
      if (group.kind !== kind) {
        kind = group.kind;
        mean = (this.means.get(kind) as LogMeans).work;
      }
      const z = ((group.meanLogWork[this.#h] as number) - mean) / deviation;
      logLikelihood += group.count * logSurvival(z);
    }
    return logLikelihood;
  }
}

/** The z-score of log work when the tokens are unknown. */
export function zScore(mean: LogMeans, { yy }: Covariance, logWork: number): number {
  return (logWork - mean.work) / Math.sqrt(yy);
}

/** The expected log work, given the tokens. */
export function expectedLogWork(mean: LogMeans, { xx, xy }: Covariance, logTokens: number): number {
  return mean.work + (xy / xx) * (logTokens - mean.tokens);
}
