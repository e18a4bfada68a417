import { logSurvival, truncatedMean } from './normal.js';

/** The weight of the prior variance, in observations. */
const PRIOR_COUNT = 2;
/**
 * A typical variance of log latencies, log answer lengths and log speeds of language models. With a deviation of 0.2,
 * the worst batch of 2,000 whole answers takes 1.27 times as long as the best, and 1.07 times with 0.25 and 0.3. With
 * 0.3, whole answers take 0.6 % longer.
 */
const PRIOR_VARIANCE = 0.25 ** 2;
/** A typical correlation between latencies and lengths. Whole answers take as long with 0.6 and 0.8. */
const PRIOR_CORRELATION = 0.7;
/** The tasks of a group are similar up to this variance of their log work. */
const SIMILAR_VARIANCE = 0.6;

/** The iterations of each fit. With one, the worst batch of 64 takes 1.61 times as long as the best, and 1.45 with two. */
const ITERATIONS = 2;

/**
 * The weight of means from before a change of the server, or from an earlier run, in observations. Groups with less than
 * that are too little known to tell whether the server has changed.
 */
const KNOWN_COUNT = 8;

/** The prior sum of squares. */
const PRIOR_SQUARES = PRIOR_COUNT * PRIOR_VARIANCE;

/** Log sizes and log work by hypothesis. */
interface Observation {
  readonly size: number;
  readonly work: Float64Array;
}

/** Observations in progress: right-censored, as their work is more than what has been done. */
export interface Censored<Group> {
  readonly group: Group;
  /** The number of such observations. */
  readonly count: number;
  /** The log work so far, by hypothesis. */
  readonly work: Float64Array;
}

/** The weighted means of one group. */
export type Means = Readonly<Observation & { count: number }>;

/** Observations in progress with the means of their group. */
interface Known extends Pick<Censored<unknown>, 'count' | 'work'> {
  readonly means: GroupMeans;
}

/** The means of a group with what a fit needs. */
class GroupMeans {
  /** The weight of the observations. */
  count: number;
  size: number;
  /** The mean log work of the observations, by hypothesis. */
  readonly observed: Float64Array;
  /** The same with those in progress. */
  readonly work: Float64Array;
  /** Those in progress, while they are fitted: their number, and sums of log work above `observed`. */
  censored = 0;
  sum = 0;
  squares = 0;

  constructor(count: number, { size, work }: Observation) {
    this.count = count;
    this.size = size;
    this.observed = work.slice();
    this.work = work.slice();
  }
}

/**
 * Explains the log work of observations by their group and by their log size, under each hypothesis: a pooled
 * within-group regression. Each group has a mean of its own; slope and variance are those of all groups. Older
 * observations decay.
 *
 * @typeParam Group Only observations of one group are compared with each other.
 */
export class PooledRegression<Group> {
  readonly #groups = new Map<Group, GroupMeans>();
  /** The most that an observation counts as different from the mean, as a logarithm. */
  readonly #maxDeviation: number;
  /** Whether sizes are known, so that they explain a part of the work. */
  hasSizes = false;
  /** The weight of all comparisons with a mean. */
  #count = 0;
  /** The sums of squares and products of the deviations from the means. */
  #sizeSquares = 0;
  readonly #workSquares: Float64Array;
  readonly #products: Float64Array;
  /** The sum of the log Jacobians: the data are times, the model is about work. */
  readonly #logJacobians: Float64Array;
  /** The fitted variance within a group, by hypothesis. */
  readonly #variances: Float64Array;
  /** The most groups, to bound the cost. The group with the least weight is deleted for a new one. */
  readonly #maxGroups: number;

  /** @param hypotheses The number of hypotheses. */
  constructor(
    hypotheses: number,
    { maxDeviation = Number.POSITIVE_INFINITY, maxGroups = Number.POSITIVE_INFINITY },
  ) {
    this.#maxDeviation = maxDeviation;
    this.#maxGroups = maxGroups;
    this.#workSquares = new Float64Array(hypotheses);
    this.#products = new Float64Array(hypotheses);
    this.#logJacobians = new Float64Array(hypotheses);
    this.#variances = new Float64Array(hypotheses).fill(PRIOR_VARIANCE);
  }

  /** The means of each group. */
  get groups(): ReadonlyMap<Group, Means> {
    return this.#groups;
  }

  /** The variance of log work within a group under hypothesis `h`, if sizes are unknown. */
  variance(h: number): number {
    return this.#variances[h] as number;
  }

  /** @param logSpeeds The log of the speed of requests at the time of the observation, by hypothesis. */
  add(group: Group, { size, work }: Observation, logSpeeds: Float64Array): void {
    let means = this.#groups.get(group);
    if (means === undefined) {
      if (this.#groups.size >= this.#maxGroups) this.#deleteLightest();
      means = new GroupMeans(0, { size, work });
      this.#groups.set(group, means);
    }
    this.#count += Math.min(1, means.count);
    const share = 1 / ++means.count;
    const weight = 1 - share;
    const sizeAbove = size - means.size;
    this.#sizeSquares += weight * sizeAbove * sizeAbove;
    means.size += share * sizeAbove;
    for (let h = 0; h < work.length; h++) {
      const mean = means.observed[h] as number;
      const above = this.#bounded((work[h] as number) - mean);
      means.observed[h] = mean + share * above;
      this.#workSquares[h] = (this.#workSquares[h] as number) + weight * above * above;
      this.#products[h] = (this.#products[h] as number) + weight * sizeAbove * above;
      const logJacobian = (logSpeeds[h] as number) - (work[h] as number);
      this.#logJacobians[h] = (this.#logJacobians[h] as number) + logJacobian;
    }
  }

  /** Multiplies the weight of all observations so far. */
  decay(factor: number): void {
    for (const [group, means] of this.#groups) {
      means.count *= factor;
      if (means.count < Number.EPSILON) this.#groups.delete(group);
    }
    this.#count *= factor;
    this.#sizeSquares *= factor;
    for (let h = 0; h < this.#workSquares.length; h++) {
      this.#workSquares[h] = (this.#workSquares[h] as number) * factor;
      this.#products[h] = (this.#products[h] as number) * factor;
      this.#logJacobians[h] = (this.#logJacobians[h] as number) * factor;
    }
  }

  /** Sets the means of a group from elsewhere. */
  setMeans(group: Group, means: Observation): void {
    this.#groups.set(group, new GroupMeans(KNOWN_COUNT, means));
  }

  /** Forgets the means of a group. What its observations said about slope and variance stays. */
  delete(group: Group): void {
    this.#groups.delete(group);
  }

  #deleteLightest(): void {
    const groups = [...this.#groups];
    const lightest = groups.reduce((a, b) => (b[1].count < a[1].count ? b : a));
    this.#groups.delete(lightest[0]);
  }

  clear(): void {
    this.decay(0);
  }

  /** Makes all hypotheses equal to one of them, and reduces the weight of all observations so far. */
  equalize(h: number): void {
    for (const [group, { size, work }] of this.#groups) {
      this.setMeans(group, { size, work: work.map(() => work[h] as number) });
    }
    const share = KNOWN_COUNT / Math.max(KNOWN_COUNT, this.#count);
    this.#count *= share;
    this.#sizeSquares *= share;
    this.#workSquares.fill(share * (this.#workSquares[h] as number));
    this.#products.fill(share * (this.#products[h] as number));
    this.#variances.fill(this.#variances[h] as number);
    this.#logJacobians.fill(0);
  }

  /**
   * Fits means and variance to all observations, by expectation-maximization (EM). Each fit continues from the last one.
   *
   * @param censored Those of unknown groups do not count.
   * @returns The log-likelihood of each hypothesis.
   */
  fit(censored: readonly Censored<Group>[]): Float64Array {
    const known: Known[] = [];
    for (const { group, count, work } of censored) {
      const means = this.#groups.get(group);
      if (means !== undefined) known.push({ means, count, work });
    }
    return this.#variances.map((_, h) => this.#fit(h, known));
  }

  #fit(h: number, censored: readonly Known[]): number {
    for (let iteration = 0; iteration < ITERATIONS; iteration++) {
      this.#expect(h, censored);
      this.#maximize(h);
    }
    /** The squares of the observations alone, around the means that include those in progress. */
    let squares = (this.#workSquares[h] as number) + PRIOR_SQUARES;
    const unexplained = this.#unexplainedShare(h);
    for (const { count, work, observed } of this.#groups.values()) {
      squares += count * ((work[h] as number) - (observed[h] as number)) ** 2;
    }
    let logLikelihood = this.jacobianShare * (this.#logJacobians[h] as number);
    logLikelihood -= 0.5 * (this.#count + PRIOR_COUNT + 1) * Math.log(unexplained * squares);
    for (const { means, count, work } of censored) {
      logLikelihood += count * logSurvival(this.#zScore(h, means, work));
    }
    return logLikelihood;
  }

  /** The expected moments of the observations in progress. */
  #expect(h: number, censored: readonly Known[]): void {
    for (const means of this.#groups.values()) means.censored = means.sum = means.squares = 0;
    const variance = this.variance(h);
    for (const { means, count, work } of censored) {
      const z = this.#zScore(h, means, work);
      const above = truncatedMean(z);
      const shift = (means.work[h] as number) - (means.observed[h] as number);
      const expected = shift + Math.sqrt(variance) * above;
      const spread = variance * Math.max(0, 1 + z * above - above * above);
      means.censored += count;
      means.sum += count * expected;
      means.squares += count * (expected * expected + spread);
    }
  }

  /** The means and the variance with those moments. */
  #maximize(h: number): void {
    let squares = (this.#workSquares[h] as number) + PRIOR_SQUARES;
    let count = this.#count + PRIOR_COUNT;
    for (const means of this.#groups.values()) {
      const shift = means.sum / (means.count + means.censored);
      means.work[h] = (means.observed[h] as number) + shift;
      squares += means.squares - means.sum * shift;
      count += means.censored;
    }
    this.#variances[h] = squares / count;
  }

  #zScore(h: number, means: GroupMeans, work: Float64Array): number {
    const above = (work[h] as number) - (means.work[h] as number);
    return this.#bounded(above) / Math.sqrt(this.variance(h));
  }

  #bounded(deviation: number): number {
    return Math.max(-this.#maxDeviation, Math.min(this.#maxDeviation, deviation));
  }

  /** The share of the squares that sizes do not explain. */
  #unexplainedShare(h: number): number {
    if (!this.hasSizes) return 1;
    const product = (this.#products[h] as number) + PRIOR_CORRELATION * PRIOR_SQUARES;
    const squares = (this.#workSquares[h] as number) + PRIOR_SQUARES;
    return 1 - product ** 2 / ((this.#sizeSquares + PRIOR_SQUARES) * squares);
  }

  /**
   * How far the moments of observations are evidence: where requests run faster, answers are denser in time. If the
   * tasks of a group differ much, answers that come close together may be just tasks of equal length.
   */
  get jacobianShare(): number {
    return Math.min(1, SIMILAR_VARIANCE / this.variance(0)) ** 2;
  }
}

/** Whether the means of a group are known well enough to tell whether the server has changed. */
export function isKnown(means: Means | undefined): means is Means {
  return means !== undefined && means.count >= KNOWN_COUNT;
}
