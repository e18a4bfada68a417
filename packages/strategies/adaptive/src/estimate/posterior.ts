import { ChangeDetector, type Lateness } from './change-detector.js';
import { type EarlierRun, likelyOf, outputTokensOf, startFrom } from './earlier-run.js';
import { type Hypothesis, hypotheses, PLAUSIBLE, speedOf } from './hypotheses.js';
import type { ByKind, Likely } from './learned.js';
import { type Censored, isKnown, type Means, PooledRegression } from './pooled-regression.js';
import type { Kind, Request } from './request.js';

/** Less time than this, in milliseconds, says nothing about a server: the text comes from a buffer. */
const MIN_MS = 1;
/** The least size of a segment of text, in characters: smaller parts may arrive in bursts. */
const SEGMENT_CHARACTERS = 64;
/**
 * Text shows load while at least one in this many requests in flight is writing. Otherwise most wait for a place at
 * the server, and those that have one are not slowed by the others.
 */
const WRITING = 3;
/** The most requests in flight to look at, to bound the cost. Each is one of several that started one after the other. */
const MOST_CENSORED = 16;
/** The most kinds that are known: a plan may have thousands of levels. */
const MOST_KINDS = 16;
/** Bounds the influence of a segment of text, as a logarithm: a request that hangs must not outweigh all others. */
const MAX_TEXT_DEVIATION = 1.5;
/** The least work, in milliseconds. */
const TINY = 1e-9;

/** A request in flight. */
interface Open {
  /** The progress when it started, by hypothesis. */
  readonly start: Float64Array;
  /** The progress when the current segment of its text started; undefined while it writes none. */
  segmentStart: Float64Array | undefined;
  characters: number;
  /** The log characters of the last segment. */
  logCharacters: number;
}

/**
 * The posterior probability of each hypothesis about a server, given all answers, all text, and all requests
 * still in flight.
 *
 * Each hypothesis turns the time of a request into work: at each moment, work progresses at the speed
 * that the hypothesis predicts for the number in flight. If the hypothesis is true, the work of
 * requests of one kind follows one log-normal distribution, whenever they ran, and so does the work per character
 * of the segments of one text. Requests in flight are right-censored: their work is more than what has been done.
 *
 * In this package, `h` is the index of a hypothesis.
 */
export class Posterior {
  readonly hypotheses: readonly Hypothesis[];
  /** By hypothesis; their sum is 1. */
  readonly probabilities: Float64Array;

  readonly #max: number;
  readonly #logPriors: Float64Array;
  readonly #answers: PooledRegression<Kind>;
  readonly #text: PooledRegression<Request>;
  readonly #changes: ChangeDetector;
  /** The log ratio of the probability from an earlier run to the prior, by hypothesis. */
  readonly #logEarlier: Float64Array;
  /** The work done by now on a request in flight since the beginning, in ms, by hypothesis. */
  readonly #progress: Float64Array;
  #updatedAt = 0;
  /** The speed of requests at the last update, by hypothesis, its logarithm, and the number in flight it is for. */
  readonly #speeds: Float64Array;
  readonly #logSpeeds: Float64Array;
  #speedsOf = 0;
  readonly #open = new Map<Request, Open>();
  #writing = 0;

  /** @param max The most requests in flight. */
  constructor(max: number) {
    this.#max = max;
    this.hypotheses = hypotheses(max);
    this.probabilities = Float64Array.from(this.hypotheses, ({ prior }) => prior);
    const { length } = this.hypotheses;
    this.#answers = new PooledRegression(length, { maxGroups: MOST_KINDS });
    this.#text = new PooledRegression(length, { maxDeviation: MAX_TEXT_DEVIATION });
    this.#changes = new ChangeDetector(length);
    this.#logEarlier = new Float64Array(length);
    this.#progress = new Float64Array(length);
    this.#speeds = new Float64Array(length).fill(1);
    this.#logSpeeds = new Float64Array(length);
    this.#logPriors = this.probabilities.map(Math.log);
  }

  /** Accounts for the time since the last call. Call it before the number in flight changes. */
  advance(inFlight: number, now: number): void {
    const elapsed = now - this.#updatedAt;
    this.#updatedAt = now;
    if (inFlight === 0 || elapsed <= 0) return;
    if (inFlight !== this.#speedsOf) {
      this.#speedsOf = inFlight;
      for (const [h, hypothesis] of this.hypotheses.entries()) {
        const speed = speedOf(hypothesis, inFlight);
        this.#speeds[h] = speed;
        this.#logSpeeds[h] = Math.log(speed);
      }
    }
    for (let h = 0; h < this.#progress.length; h++) {
      this.#progress[h] = (this.#progress[h] as number) + elapsed * (this.#speeds[h] as number);
    }
  }

  recordStart(request: Request): void {
    const start = this.#progress.slice();
    this.#changes.recordStart(request);
    this.#open.set(request, { start, segmentStart: undefined, characters: 0, logCharacters: 0 });
  }

  /** Removes a request that failed: its time says nothing. */
  discard(request: Request): void {
    this.pauseStream(request);
    this.#open.delete(request);
    this.#changes.discard(request);
  }

  /** Ignores all requests in flight from now on: it is not known which of them are lost. */
  ignoreOpen(): void {
    for (const request of this.#open.keys()) this.discard(request);
  }

  /** Interrupts the text of a request that does something other than writing. */
  pauseStream(request: Request): void {
    const open = this.#open.get(request);
    if (open?.segmentStart === undefined) return;
    open.segmentStart = undefined;
    this.#writing--;
    this.#text.delete(request);
  }

  /** @returns Whether the text completes a segment, which is an observation. */
  recordText(request: Request, characters: number): boolean {
    const open = this.#open.get(request);
    if (open === undefined) return false;
    const { segmentStart } = open;
    if (segmentStart === undefined) {
      // The first text only marks the start: the time before it is not spent on writing.
      open.segmentStart = this.#progress.slice();
      open.characters = 0;
      this.#writing++;
      return false;
    }
    const isEvidence = WRITING * this.#writing >= this.#open.size;
    open.characters += characters;
    if (isEvidence) {
      if (open.characters < SEGMENT_CHARACTERS || this.#msSince(segmentStart) < MIN_MS)
        return false;
      open.logCharacters = Math.log(open.characters);
      const work = this.#workSince(segmentStart, open.logCharacters);
      const means = this.#text.groups.get(request);
      if (means !== undefined) {
        this.#changes.recordText((h) => lateness(this.#text, means, work, h));
      }
      this.#text.add(request, { size: 0, work }, this.#logSpeeds);
    }
    segmentStart.set(this.#progress);
    open.characters = 0;
    return isEvidence;
  }

  /**
   * @param memory An answer decays to 1/e of its weight after this many answers.
   * @param tokens The output tokens, where reported.
   * @returns Whether the answer is an observation. It is not if the server changed while it ran.
   */
  recordAnswer(request: Request, memory: number, tokens: number | undefined): boolean {
    const open = this.#open.get(request);
    this.pauseStream(request);
    this.#open.delete(request);
    if (open === undefined || this.#msSince(open.start) < MIN_MS) {
      this.#changes.discard(request);
      return false;
    }
    const { kind, logEstimate } = request;
    this.#answers.decay(1 - 1 / memory);
    this.#text.decay(1 - 1 / memory);
    if (tokens) this.#answers.hasSizes = true;
    const means = this.#answers.groups.get(kind);
    // Where tokens are not reported, or reported as 0, assume the mean of earlier answers.
    const size = tokens ? Math.log(tokens) : (means?.size ?? 0);
    const work = this.#workSince(open.start, logEstimate);
    if (isKnown(means)) {
      const lateOf = (h: number) => lateness(this.#answers, means, work, h);
      this.#changes.recordAnswer(request, this.#open.size + 1, lateOf);
    } else this.#changes.discard(request);
    this.#answers.add(kind, { size, work }, this.#logSpeeds);
    return true;
  }

  /** Computes the current probabilities. */
  update(): void {
    const answers: Censored<Kind>[] = [];
    const text: Censored<Request>[] = [];
    const step = Math.ceil(this.#open.size / MOST_CENSORED);
    let position = 0;
    for (const [request, { start, segmentStart, logCharacters }] of this.#open) {
      if (position++ % step === 0) {
        const work = this.#workSince(start, request.logEstimate);
        answers.push({ group: request.kind, count: step, work });
      }
      if (segmentStart !== undefined && this.#text.groups.has(request)) {
        const work = this.#workSince(segmentStart, logCharacters);
        text.push({ group: request, count: 1, work });
      }
    }
    const ofAnswers = this.#answers.fit(answers);
    const ofText = this.#text.fit(text);
    this.#computeProbabilities((h) => (ofAnswers[h] as number) + (ofText[h] as number));
  }

  /** The probability that throughput no longer grows at this number in flight. */
  saturationProbability(inFlight: number): number {
    return this.#probabilityOf(({ knee, exponent }) => knee < inFlight && exponent >= 1);
  }

  /** The probability that requests slow each other down at all at this number in flight. */
  slowdownProbability(inFlight: number): number {
    return this.#probabilityOf(({ knee }) => knee < inFlight);
  }

  /** The likeliest knee, at most the cap. */
  get likeliestKnee(): number {
    return Math.min(this.#max, (this.hypotheses[this.#likeliest] as Hypothesis).knee);
  }

  // --- Changes of the server ---

  /** The log odds that the server has become slower, against the plausible hypothesis that fits best without. */
  get slowdownLogOdds(): number {
    return this.#leastOfPlausible((h) => this.#changes.slowerLogOdds(h, this.#latenessOfOpen(h)));
  }

  /** The log odds that the server has become faster, against the plausible hypothesis that fits best without. */
  get speedupLogOdds(): number {
    return this.#leastOfPlausible((h) => this.#changes.fasterLogOdds(h, this.#latenessOfOpen(h)));
  }

  /**
   * Forgets the knee, because it has moved, and keeps the distribution of work. Requests in flight
   * started before the change and are no evidence.
   */
  forgetKnee(): void {
    this.#answers.equalize(this.#likeliest);
    this.#text.clear();
    this.ignoreOpen();
    this.#logEarlier.fill(0);
    this.#changes.reset();
    this.update();
  }

  // --- Data for later runs ---

  /** The hypotheses worth keeping, most likely first; empty before the first answer. */
  get likely(): readonly Likely[] {
    return likelyOf(this.hypotheses, this.probabilities, this.#answers);
  }

  /** The median output tokens, by kind; undefined where answers do not report them. */
  get outputTokens(): ByKind | undefined {
    return outputTokensOf(this.#answers);
  }

  /** Starts from the posterior of an earlier run. */
  warmStart(earlier: EarlierRun): void {
    this.#logEarlier.set(startFrom(earlier, this.hypotheses, this.#max, this.#answers));
    this.#computeProbabilities(() => 0);
  }

  // --- Implementation ---

  /** Bayes' rule, with the largest term factored out against underflow. */
  #computeProbabilities(logLikelihood: (h: number) => number): void {
    const { probabilities } = this;
    const logs = this.#logPriors.map(
      (logPrior, h) => logPrior + (this.#logEarlier[h] as number) + logLikelihood(h),
    );
    const highest = Math.max(...logs);
    let sum = 0;
    for (const [h, log] of logs.entries()) {
      probabilities[h] = Math.exp(log - highest);
      sum += probabilities[h] as number;
    }
    for (let h = 0; h < probabilities.length; h++) {
      probabilities[h] = (probabilities[h] as number) / sum;
    }
  }

  /** How much longer than expected a request in flight has taken already; undefined if its kind is not known. */
  #latenessOfOpen(h: number) {
    const deviation = Math.sqrt(this.#answers.variance(h));
    return (request: Request): Lateness | undefined => {
      const means = this.#answers.groups.get(request.kind);
      const open = this.#open.get(request);
      if (!isKnown(means) || open === undefined) return undefined;
      const work = this.#logWork(open.start, h) - request.logEstimate;
      return { late: work - (means.work[h] as number), deviation };
    };
  }

  #leastOfPlausible(logOddsOf: (h: number) => number): number {
    let least = Number.POSITIVE_INFINITY;
    for (const [h, probability] of this.probabilities.entries()) {
      if (probability >= PLAUSIBLE) least = Math.min(least, logOddsOf(h));
    }
    return least;
  }

  /** The log work done since then, less a log size, by hypothesis. Work of zero is treated as a tiny amount. */
  #workSince(start: Float64Array, logSize: number): Float64Array {
    const logs = new Float64Array(start.length);
    for (let h = 0; h < logs.length; h++) logs[h] = this.#logWork(start, h) - logSize;
    return logs;
  }

  #logWork(start: Float64Array, h: number): number {
    return Math.log(Math.max(TINY, (this.#progress[h] as number) - (start[h] as number)));
  }

  /** Under the first hypothesis there is no knee, so work is time. */
  #msSince(start: Float64Array): number {
    return (this.#progress[0] as number) - (start[0] as number);
  }

  #probabilityOf(isMeant: (hypothesis: Hypothesis) => boolean): number {
    let sum = 0;
    for (const [h, hypothesis] of this.hypotheses.entries()) {
      if (isMeant(hypothesis)) sum += this.probabilities[h] as number;
    }
    return sum;
  }

  get #likeliest(): number {
    return this.probabilities.indexOf(Math.max(...this.probabilities));
  }
}

/** How much longer than expected an observation took under hypothesis `h`. */
function lateness<G>(
  regression: PooledRegression<G>,
  means: Means,
  work: Float64Array,
  h: number,
): Lateness {
  const late = (work[h] as number) - (means.work[h] as number);
  return { late, deviation: Math.sqrt(regression.variance(h)) };
}
