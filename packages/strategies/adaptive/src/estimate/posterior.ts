import { MECHANISMS } from '../mechanisms.js';
import { CensoredGroups } from './censored-groups.js';
import { type Covariance, PRIOR_WITH_TOKENS, PRIOR_WITHOUT_TOKENS } from './covariance.js';
import { type Hypothesis, hypotheses, PLAUSIBLE, speedOf } from './hypotheses.js';
import type { ByKind, Likely } from './learned.js';
import { type LogMeans, LognormalEm } from './lognormal-em.js';
import type { Kind, Request } from './request.js';
import { SlowdownDetector } from './slowdown-detector.js';
import { SpeedupDetector } from './speedup-detector.js';
import { TokenStreams } from './token-streams.js';
import { logWorkBetween, logWorkOf, MIN_MS, WorkStatistics } from './work-statistics.js';

/** The weight of what is known from before a change, or from an earlier run, in answers. */
const KNOWN_COUNT = 8;
/** The probability that a server has not changed since an earlier run. */
const UNCHANGED = 0.9;
/** The most kinds with statistics, to bound the cost. The kinds with the least weight are deleted. */
const MOST_KINDS = 16;
/** Tasks of one kind are similar up to this variance of their log work. */
const SIMILAR_VARIANCE = 0.6;
/**
 * Text shows load while at least one in this many requests in flight is writing. Otherwise most wait for a place at
 * the server, and those that have one are not slowed by the others.
 */
const WRITING = 3;

/**
 * The posterior probability of each hypothesis about a server, given all answers and all requests
 * still in flight.
 *
 * Each hypothesis turns the time of a request into work: at each moment, work progresses at the speed
 * that the hypothesis predicts for the number in flight. If the hypothesis is true, the work of
 * requests of one kind follows one distribution, whenever they ran. Kinds may differ in any way: work of
 * one says nothing about work of another. Requests in flight are
 * right-censored: their work is more than what has been done.
 *
 * In this package, `h` is the index of a hypothesis.
 */
export class Posterior {
  readonly hypotheses: readonly Hypothesis[];
  /** By hypothesis; their sum is 1. */
  readonly probabilities: Float64Array;

  readonly #max: number;
  readonly #logPriors: Float64Array;
  readonly #fits: readonly LognormalEm[];
  readonly #statistics = new Map<Kind, WorkStatistics>();
  /**
   * The sum over the answers of the log ratio of the speed at that moment to the average speed of the
   * request, by hypothesis: where requests run faster, answers are denser in time.
   */
  readonly #logSpeedRatios: Float64Array;
  /** The log ratio of the probability from an earlier run to the prior, by hypothesis. */
  readonly #logEarlier: Float64Array;
  /** The work done by now on a request in flight since the beginning, in ms, by hypothesis. */
  readonly #progress: Float64Array;
  #updatedAt = 0;
  /** The speed of requests at the last update, by hypothesis, and its logarithm. */
  readonly #speeds: Float64Array;
  readonly #logSpeeds: Float64Array;
  /** The number in flight that the speeds are for. */
  #speedsOf = 0;
  /** Requests in flight, with the progress when they started. */
  readonly #open = new Map<Request, Float64Array>();
  /** Arrays to use again: allocating one takes longer than filling it. */
  readonly #unused: Float64Array[] = [];
  readonly #groups: CensoredGroups;
  readonly #streams: TokenStreams;
  /** The order of the next request. */
  #nextOrder = 0;
  #slowdown: SlowdownDetector | undefined;
  #speedup: SpeedupDetector | undefined;
  /** The prior covariance, until it is known whether answers report their tokens. */
  #prior: Covariance = PRIOR_WITHOUT_TOKENS;

  /** @param max The most requests in flight. */
  constructor(max: number) {
    this.#max = max;
    this.hypotheses = hypotheses(max);
    this.probabilities = Float64Array.from(this.hypotheses, ({ prior }) => prior);
    this.#logPriors = this.probabilities.map(Math.log);
    this.#fits = this.hypotheses.map((_, h) => new LognormalEm(h));
    const { length } = this.hypotheses;
    this.#logSpeedRatios = new Float64Array(length);
    this.#logEarlier = new Float64Array(length);
    this.#progress = new Float64Array(length);
    this.#speeds = new Float64Array(length).fill(1);
    this.#logSpeeds = new Float64Array(length);
    this.#streams = new TokenStreams(length);
    this.#groups = new CensoredGroups(length);
  }

  /** Accounts for the time since the last call. Call it before the number in flight changes. */
  advance(inFlight: number, now: number): void {
    const elapsed = now - this.#updatedAt;
    this.#updatedAt = now;
    if (inFlight === 0 || elapsed <= 0) return;
    const speeds = this.#speedsAt(inFlight);
    for (let h = 0; h < speeds.length; h++) {
      this.#progress[h] = (this.#progress[h] as number) + elapsed * (speeds[h] as number);
    }
  }

  recordStart(request: Request): void {
    this.#nextOrder = request.order + 1;
    const start = this.#unused.pop() ?? new Float64Array(this.#progress.length);
    start.set(this.#progress);
    this.#open.set(request, start);
  }

  /** Removes a request that failed: its time says nothing. */
  discard(request: Request): void {
    this.#close(request);
    this.#streams.end(request);
  }

  /** @returns Whether the text completes a segment, which is an observation. */
  recordText(request: Request, characters: number): boolean {
    const isEvidence = WRITING * this.#streams.count >= this.#open.size;
    if (!isEvidence) {
      this.#streams.skipText(request, this.#progress);
      return false;
    }
    const segment = this.#streams.addText(request, characters, this.#progress, this.#logSpeeds);
    if (segment === undefined || !MECHANISMS.textSegments) return false;
    this.#speedup?.addSegment(segment, this.#streams.variance(this.#likeliest));
    return true;
  }

  /** Interrupts the text stream of a request that does something other than writing. */
  pauseStream(request: Request): void {
    this.#streams.end(request);
  }

  /**
   * @param memory An answer decays to 1/e of its weight after this many answers.
   * @param tokens The output tokens, where reported.
   * @returns Whether the answer is an observation. It is not if the server changed while it ran.
   */
  recordAnswer(request: Request, memory: number, tokens: number | undefined): boolean {
    const start = this.#close(request);
    this.#streams.end(request);
    if (start === undefined || durationBetween(start, this.#progress) < MIN_MS) {
      return false;
    }
    this.#slowdown?.recordAnswer(request, start, this.#progress);
    const decay = 1 - 1 / memory;
    this.#streams.decay(decay);
    for (const [kind, statistics] of this.#statistics) {
      statistics.decay(decay);
      if (statistics.count < Number.EPSILON) this.#statistics.delete(kind);
    }
    const statistics = this.#statisticsOf(request.kind);
    if (!MECHANISMS.tokenCounts) tokens = undefined;
    if (tokens) this.#prior = PRIOR_WITH_TOKENS;
    // Where tokens are not reported, or reported as 0, assume the mean of earlier answers.
    const logTokens = tokens
      ? Math.log(tokens)
      : statistics.count > 0
        ? statistics.tokens / statistics.count
        : 0;
    const logSpeeds = this.#logSpeeds;
    this.#speedup?.recordAnswer(request, logTokens, start, this.#progress, logSpeeds);
    statistics.addAnswer(logTokens);
    const logDuration = Math.log(durationBetween(start, this.#progress));
    for (let h = 0; h < start.length; h++) {
      const logWork = logWorkBetween(start, this.#progress, h);
      statistics.addWork(h, logWork - request.logEstimate, logTokens);
      const logRatio = (logSpeeds[h] as number) - (logWork - logDuration);
      this.#logSpeedRatios[h] = (this.#logSpeedRatios[h] as number) * decay + logRatio;
      this.#logEarlier[h] = (this.#logEarlier[h] as number) * decay;
    }
    return true;
  }

  /** Computes the current probabilities. */
  update(): void {
    const groups = this.#groups.of(this.#open, this.#progress, this.#statistics);
    this.#computeProbabilities(
      (h) =>
        (this.#fits[h] as LognormalEm).fit(this.#statistics, groups, this.#prior) +
        (MECHANISMS.textSegments ? this.#streams.logLikelihood(h, this.#progress) : 0),
    );
  }

  /** The probability that throughput no longer grows at this number in flight. */
  saturationProbability(inFlight: number): number {
    let sum = 0;
    for (const [h, { knee, exponent }] of this.hypotheses.entries()) {
      if (knee < inFlight && exponent >= 1) sum += this.probabilities[h] as number;
    }
    return sum;
  }

  /** The probability that requests slow each other down at all at this number in flight. */
  slowdownProbability(inFlight: number): number {
    let sum = 0;
    for (const [h, { knee }] of this.hypotheses.entries()) {
      if (knee < inFlight) sum += this.probabilities[h] as number;
    }
    return sum;
  }

  /** The likeliest knee, at most the cap. */
  get likeliestKnee(): number {
    return Math.min(this.#max, (this.hypotheses[this.#likeliest] as Hypothesis).knee);
  }

  // --- Changes of the server ---

  /** Starts to compare answers with the current predictions. */
  watchForSlowdown(): void {
    let weight = 0;
    for (const { count } of this.#statistics.values()) weight += count;
    this.#slowdown = new SlowdownDetector(this.#fits, this.probabilities, weight, this.#nextOrder);
  }

  /** The log odds that the server has become slower since `watchForSlowdown`. */
  get slowdownLogOdds(): number {
    return this.#slowdown?.logOdds(this.#open, this.#progress) ?? 0;
  }

  /** Starts to test whether the knee has moved up from the currently likeliest one. */
  watchForSpeedup(): void {
    const found = this.#likeliest;
    this.#speedup ??= new SpeedupDetector(this.hypotheses, found, this.#fits[found] as LognormalEm);
  }

  stopWatchingForSpeedup(): void {
    this.#speedup = undefined;
  }

  /** The log odds that the knee has moved up since `watchForSpeedup`. */
  get speedupLogOdds(): number {
    return this.#speedup?.logOdds(this.#open, this.#progress) ?? 0;
  }

  /**
   * Forgets the knee, because it has moved, and keeps the distribution of work. Requests in flight
   * started before the change and are no evidence.
   */
  forgetKnee(): void {
    const { means, covariance } = this.#fits[this.#likeliest] as LognormalEm;
    for (const [kind, { work, tokens }] of means) {
      const statistics = this.#statisticsOf(kind);
      for (let h = 0; h < this.hypotheses.length; h++) {
        statistics.setPrior(h, work, tokens, covariance, KNOWN_COUNT);
      }
    }
    this.#open.clear();
    this.#streams.clear();
    this.#logSpeedRatios.fill(0);
    this.#logEarlier.fill(0);
    this.#slowdown = undefined;
    this.#speedup = undefined;
    this.update();
  }

  // --- Data for later runs ---

  /** The hypotheses worth keeping, most likely first; empty before the first answer. */
  get likely(): readonly Likely[] {
    if (this.#statistics.size === 0) return [];
    return this.hypotheses
      .map(({ knee, exponent }, h) => ({
        ...(Number.isFinite(knee) && { knee, exponent }),
        probability: Number((this.probabilities[h] as number).toPrecision(3)),
        work: this.#mediansOf(h, ({ work }) => work),
      }))
      .filter(({ probability }) => probability >= PLAUSIBLE)
      .sort((a, b) => b.probability - a.probability);
  }

  /** Whether answers report their tokens. */
  get hasTokenCounts(): boolean {
    return this.#prior === PRIOR_WITH_TOKENS;
  }

  /** The median output tokens, by kind; undefined where answers do not report them. */
  get outputTokens(): ByKind | undefined {
    if (!this.hasTokenCounts) return undefined;
    return this.#mediansOf(this.#likeliest, ({ tokens }) => tokens);
  }

  /**
   * Starts from the posterior of an earlier run. The server may have changed since.
   *
   * @param inFlight The limit of that run.
   */
  warmStart(likely: readonly Likely[], outputTokens: ByKind | undefined, inFlight: number): void {
    const likeliest = likely[0];
    if (likeliest === undefined) return;
    if (outputTokens !== undefined) this.#prior = PRIOR_WITH_TOKENS;
    const found = new Map<number, Likely>();
    for (const each of likely) {
      const h = this.#nearestHypothesis(each);
      const same = found.get(h) ?? { ...each, probability: 0 };
      found.set(h, { ...same, probability: same.probability + each.probability });
    }
    const total = likely.reduce((sum, { probability }) => sum + probability, 0);
    const observed = this.hypotheses[this.#nearestHypothesis(likeliest)] as Hypothesis;
    for (const [h, hypothesis] of this.hypotheses.entries()) {
      const { prior } = hypothesis;
      const known = found.get(h);
      const share = (UNCHANGED * (known?.probability ?? 0)) / total + (1 - UNCHANGED) * prior;
      this.#logEarlier[h] = Math.log(share / prior);
      // An unlikely hypothesis must predict the observed durations as well.
      const relative = speedOf(hypothesis, inFlight) / speedOf(observed, inFlight);
      for (const [kind, work] of Object.entries((known ?? likeliest).work)) {
        const logWork = logWorkOf(known === undefined ? work * relative : work);
        const logTokens = Math.log(outputTokens?.[kind] ?? 1);
        this.#statisticsOf(kind).setPrior(h, logWork, logTokens, this.#prior, KNOWN_COUNT);
      }
    }
    this.#computeProbabilities(() => 0);
  }

  // --- Implementation ---

  /** @returns The progress when the request started, valid until the next one starts. */
  #close(request: Request): Float64Array | undefined {
    const start = this.#open.get(request);
    if (start === undefined) return undefined;
    this.#open.delete(request);
    this.#unused.push(start);
    return start;
  }

  /** Bayes' rule, with the largest term factored out against underflow. */
  #computeProbabilities(logLikelihood: (h: number) => number): void {
    const { probabilities } = this;
    // The fits must be up to date before their variance is read.
    for (let h = 0; h < probabilities.length; h++) probabilities[h] = logLikelihood(h);
    const share = this.#shareOfSpeedRatios;
    let highest = Number.NEGATIVE_INFINITY;
    for (let h = 0; h < probabilities.length; h++) {
      const log =
        (this.#logPriors[h] as number) +
        (this.#logEarlier[h] as number) +
        share * (this.#logSpeedRatios[h] as number) +
        (probabilities[h] as number);
      probabilities[h] = log;
      highest = Math.max(highest, log);
    }
    let sum = 0;
    for (let h = 0; h < probabilities.length; h++) {
      probabilities[h] = Math.exp((probabilities[h] as number) - highest);
      sum += probabilities[h] as number;
    }
    for (let h = 0; h < probabilities.length; h++) {
      probabilities[h] = (probabilities[h] as number) / sum;
    }
  }

  /**
   * How far the moments of answers are evidence. Where the tasks of a kind differ much, no log-normal
   * distribution describes them, and answers that come close together may be just tasks of equal length.
   */
  get #shareOfSpeedRatios(): number {
    if (!MECHANISMS.speedRatioShare) return 1;
    let variance = Number.POSITIVE_INFINITY;
    for (const { covariance } of this.#fits) variance = Math.min(variance, covariance.yy);
    return Math.min(1, SIMILAR_VARIANCE / variance) ** 2;
  }

  /** The median of a log-normal distribution is the exponential of its log mean. */
  #mediansOf(h: number, logOf: (means: LogMeans) => number): ByKind {
    const { means } = this.#fits[h] as LognormalEm;
    return Object.fromEntries([...means].map(([kind, each]) => [kind, Math.exp(logOf(each))]));
  }

  /** The hypothesis nearest to one from another grid. A knee at or above the cap is no knee. */
  #nearestHypothesis({ knee = Number.POSITIVE_INFINITY, exponent = 0 }: Likely): number {
    if (knee >= this.#max) return 0;
    let nearest = 0;
    let least = Number.POSITIVE_INFINITY;
    for (const [h, each] of this.hypotheses.entries()) {
      const distance = Math.abs(Math.log(each.knee / knee)) + Math.abs(each.exponent - exponent);
      if (distance >= least) continue;
      nearest = h;
      least = distance;
    }
    return nearest;
  }

  #speedsAt(inFlight: number): Float64Array {
    if (inFlight !== this.#speedsOf) {
      this.#speedsOf = inFlight;
      for (const [h, hypothesis] of this.hypotheses.entries()) {
        const speed = speedOf(hypothesis, inFlight);
        this.#speeds[h] = speed;
        this.#logSpeeds[h] = Math.log(speed);
      }
    }
    return this.#speeds;
  }

  #statisticsOf(kind: Kind): WorkStatistics {
    let statistics = this.#statistics.get(kind);
    if (statistics === undefined) {
      statistics = new WorkStatistics(this.hypotheses.length);
      if (this.#statistics.size >= MOST_KINDS) this.#deleteLightest();
      this.#statistics.set(kind, statistics);
    }
    return statistics;
  }

  #deleteLightest(): void {
    let lightest: Kind | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const [kind, { count }] of this.#statistics) {
      if (count < least) {
        lightest = kind;
        least = count;
      }
    }
    if (lightest !== undefined) this.#statistics.delete(lightest);
  }

  get #likeliest(): number {
    return this.probabilities.indexOf(Math.max(...this.probabilities));
  }
}

/** Under the first hypothesis there is no knee, so work is time. */
function durationBetween(start: Float64Array, progress: Float64Array): number {
  return (progress[0] as number) - (start[0] as number);
}
