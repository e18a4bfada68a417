import type { TaskType } from '@stratagem/core';
import type { Covariance } from '../model/covariance.js';
import { PLAUSIBLE } from '../model/hypotheses.js';
import { type LognormalEm, type Middle, scoreOf } from '../model/lognormal-em.js';
import { logTail } from '../model/normal.js';
import type { Request } from '../model/request.js';
import { logWork } from '../model/work-statistics.js';

/** Requests that take so much longer than foretold are late, as a logarithm. */
const LATE = Math.log(1.2);
/** However late, one request is not worth more answers than this: it may just be a long one. */
const MOST_DUE = 3;

/** A hypothesis that was believed, and what it foretold. */
interface Watched {
  readonly h: number;
  readonly middles: ReadonlyMap<TaskType, Middle>;
  readonly spread: Covariance;
  /** How many answers should have come while the requests that were answered were in flight. */
  due: number;
}

/**
 * Compares how many answers come with how many should, if one of the hypotheses is true that are
 * believed now: a server that has become slower shows by the answers that do not come.
 */
export class SlowdownDetector {
  readonly #from: number;
  readonly #weight: number;
  readonly #watched: readonly Watched[];
  #answers = 0;

  /**
   * @param fits What is believed of requests, by hypothesis.
   * @param weight How many answers that is from.
   * @param from The order of the first request to look at.
   */
  constructor(
    fits: readonly LognormalEm[],
    probabilities: Float64Array,
    weight: number,
    from: number,
  ) {
    this.#from = from;
    this.#weight = weight;
    this.#watched = fits.flatMap(({ middles, spread }, h) =>
      (probabilities[h] as number) > PLAUSIBLE
        ? { h, middles: new Map(middles), spread, due: 0 }
        : [],
    );
  }

  /** @param start The progress when it started. */
  answered(request: Request, start: Float64Array, progress: Float64Array): void {
    if (!this.#concerns(request)) return;
    this.#answers++;
    for (const each of this.#watched) each.due += dueOf(each, request, start, progress);
  }

  /** How much speaks against the hypothesis that does best, as a logarithm of odds. */
  surprise(open: ReadonlyMap<Request, Float64Array>, progress: Float64Array): number {
    let least = Number.POSITIVE_INFINITY;
    for (const each of this.#watched) {
      let { due } = each;
      for (const [request, start] of open) {
        if (this.#concerns(request)) due += dueOf(each, request, start, progress);
      }
      if (due <= this.#answers) return 0;
      least = Math.min(least, oddsAgainst(due, this.#answers, this.#weight));
    }
    return Number.isFinite(least) ? least : 0;
  }

  #concerns({ order, task }: Request): boolean {
    return order >= this.#from && this.#watched[0]?.middles.has(task.type) === true;
  }
}

/** How many answers should come in the time that a request has taken: below 1 where it is early. */
function dueOf(
  { h, middles, spread }: Watched,
  { task }: Request,
  start: Float64Array,
  progress: Float64Array,
): number {
  const middle = middles.get(task.type) as Middle;
  const due = -logTail(scoreOf(middle, spread, logWork(start, progress, h) - LATE));
  return Math.min(MOST_DUE, due);
}

/** Poisson distributed answers, fewer than are due by what so many others have shown. */
function oddsAgainst(due: number, answers: number, weight: number): number {
  const share = (weight + due) / (weight + answers);
  const came = answers === 0 ? 0 : answers * Math.log((answers / due) * share);
  return weight * Math.log(share) + came;
}
