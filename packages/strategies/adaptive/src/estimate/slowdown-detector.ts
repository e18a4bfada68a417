import type { Covariance } from './covariance.js';
import { PLAUSIBLE } from './hypotheses.js';
import { type LogMeans, type LognormalEm, zScore } from './lognormal-em.js';
import { logSurvival } from './normal.js';
import type { Kind, Request } from './request.js';
import { logWorkBetween } from './work-statistics.js';

/**
 * Requests are late when they take longer than predicted by this factor, as a logarithm. Without it, a workflow whose
 * tasks differ by factors of thousands takes 1.58 times as long as with `parallel()`.
 */
const LATE = Math.log(1.2);
/** The most answers that one request counts for, however late: it may just be a long one. */
const MAX_EXPECTED = 3;

/** The predictions of one hypothesis, fixed when the detector was created. */
interface Prediction {
  readonly h: number;
  readonly means: ReadonlyMap<Kind, LogMeans>;
  readonly covariance: Covariance;
  /** The expected number of answers in the time that the answered requests took. */
  expected: number;
}

/**
 * Detects a server that has become slower. It compares the number of answers with the number that
 * each plausible hypothesis predicted; on a slower server, answers are missing.
 */
export class SlowdownDetector {
  readonly #from: number;
  readonly #weight: number;
  readonly #predictions: readonly Prediction[];
  #answers = 0;

  /**
   * @param fits The fitted distribution of each hypothesis.
   * @param weight The number of answers behind the fits.
   * @param from The order of the first request to consider.
   */
  constructor(
    fits: readonly LognormalEm[],
    probabilities: Float64Array,
    weight: number,
    from: number,
  ) {
    this.#from = from;
    this.#weight = weight;
    const plausible = fits.flatMap(({ means, covariance }, h) =>
      (probabilities[h] as number) > PLAUSIBLE
        ? { h, means: new Map(means), covariance, expected: 0 }
        : [],
    );
    // One that predicts enough answers ends the comparison: the likeliest do so soonest.
    const probabilityOf = ({ h }: Prediction) => probabilities[h] as number;
    this.#predictions = plausible.sort((a, b) => probabilityOf(b) - probabilityOf(a));
  }

  /** @param start The progress when the request started, by hypothesis. */
  recordAnswer(request: Request, start: Float64Array, progress: Float64Array): void {
    if (!this.#isConsidered(request)) return;
    this.#answers++;
    for (const prediction of this.#predictions) {
      prediction.expected += expectedAnswers(prediction, request, start, progress);
    }
  }

  /**
   * The log odds of a slowdown, against the hypothesis that fits best without one.
   *
   * @param open Requests in flight, with their progress at the start.
   */
  logOdds(open: ReadonlyMap<Request, Float64Array>, progress: Float64Array): number {
    let least = Number.POSITIVE_INFINITY;
    for (const prediction of this.#predictions) {
      let { expected } = prediction;
      for (const [request, start] of open) {
        if (this.#isConsidered(request)) {
          expected += expectedAnswers(prediction, request, start, progress);
        }
      }
      if (expected <= this.#answers) return 0;
      least = Math.min(least, missingAnswersLogOdds(expected, this.#answers, this.#weight));
    }
    return Number.isFinite(least) ? least : 0;
  }

  #isConsidered({ order, kind }: Request): boolean {
    return order >= this.#from && this.#predictions[0]?.means.has(kind) === true;
  }
}

/** The expected number of answers in the time that a request has taken: the cumulative hazard. */
function expectedAnswers(
  { h, means, covariance }: Prediction,
  { kind, logEstimate }: Request,
  start: Float64Array,
  progress: Float64Array,
): number {
  const mean = means.get(kind) as LogMeans;
  const logWork = logWorkBetween(start, progress, h) - logEstimate;
  const expected = -logSurvival(zScore(mean, covariance, logWork - LATE));
  return Math.min(MAX_EXPECTED, expected);
}

/** The log-likelihood ratio of a lower Poisson rate. The old rate was estimated from `weight` answers. */
function missingAnswersLogOdds(expected: number, answers: number, weight: number): number {
  const share = (weight + expected) / (weight + answers);
  const observed = answers === 0 ? 0 : answers * Math.log((answers / expected) * share);
  return weight * Math.log(share) + observed;
}
