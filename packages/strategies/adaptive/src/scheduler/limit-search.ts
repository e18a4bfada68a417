import { MECHANISMS } from '../mechanisms.js';
import type { LearnedResource } from '../estimate/learned.js';
import type { Request } from '../estimate/request.js';
import { Ceiling } from '../limits/ceiling.js';
import { ExpectedLoss } from '../decide/expected-loss.js';
import { ObservationWindow } from '../decide/observation-window.js';
import { Posterior } from '../estimate/posterior.js';
import { STREAMING, type StepSizes, WITH_TOKENS, WITHOUT_TOKENS } from '../decide/step-sizes.js';

/**
 * The initial limit. Most servers need fewer requests to be busy, and a server that takes fewer is
 * not flooded.
 */
export const INITIAL_LIMIT = 16;
/** The highest limit, whatever `maxParallel` allows. */
const HIGHEST = 8_192;
/** Candidate limits per factor of two. */
const PER_OCTAVE = 4;
/** The least gain, as a log ratio, for a change up and down. */
const MIN_GAIN_UP = 0.05;
const MIN_GAIN_DOWN = 0.03;
/** The share of the limit above which the knee counts as the limit itself. */
const NEARLY = 0.95;
/** The least probability that requests slow each other down, for the limit to be lowered. */
const LIKELY = 0.4;
/** The fewest observations that can prove a limit harmless. */
const MIN_PROOF = 3;
/** The least gain for another raise while more requests than the limit are in flight. */
const MIN_GAIN_EARLY = 0.35;
/** The number of rounds between probes at a higher limit. */
const PROBE_ABOVE_EVERY = 4;
/** The fewest observations of a probe. */
const MIN_PROBE = 4;
/**
 * A probe above is extended by this factor while the limit is not reached, or while the log odds of a
 * speedup are at least promising.
 */
const EXTENSION = 3;
const PROMISING_LOG_ODDS = 1;
/** The log odds that prove a speedup. */
const SPEEDUP_LOG_ODDS = 5;
/** The memory of the posterior, in rounds, and its minimum in answers. */
const MEMORY_ROUNDS = 8;
const MIN_MEMORY = 60;
/** The factor on the memory for streamed text, where changes of the server show at once. */
const STREAMING_MEMORY = 10;
/** After this many observations, these log odds prove a slowdown. */
const MIN_OBSERVATIONS = 40;
const SLOWDOWN_LOG_ODDS = 8;
/** The divisor of the limit after a slowdown. Requests in flight still keep the server busy. */
const SLOWDOWN_DIVISOR = 4;

export type Known = Pick<LearnedResource, 'limit' | 'ceiling' | 'likely' | 'outputTokens'>;

/** The load at the time of an observation. */
export interface Load {
  /** Requests in flight, including the observed one. */
  readonly inFlight: number;
  /** Tasks that could start if the limit were higher. */
  readonly ready: number;
  /** Tasks that have not started, for any reason. */
  readonly waiting: number;
}

/**
 * Searches for the limit with the highest throughput: the one with the lowest expected loss under the
 * posterior. An observation is an answer or a segment of text; a round is as many observations as the
 * limit.
 */
export class LimitSearch {
  limit: number;
  /** The reason for the current limit. */
  reason = 'initial limit';

  readonly #max: number;
  readonly #posterior: Posterior;
  readonly #expectedLoss: ExpectedLoss;
  readonly #ceiling: Ceiling;
  readonly #window = new ObservationWindow();
  /** The limit before the current probe at a higher one. */
  #probeFrom: number | undefined;
  /** The number of answers when the slowdown detector was started. */
  #watchedAt = 0;
  /** The highest limit at which throughput is known to grow. */
  #harmless: number;
  /** The last limit that was fully used. */
  #used: number;

  /**
   * @param threshold The share of the possible gain that a higher limit must bring.
   * @param known The result of an earlier run.
   */
  constructor(max: number, threshold: number, known?: Known) {
    this.#max = Math.min(max, HIGHEST);
    this.#posterior = new Posterior(this.#max);
    this.#expectedLoss = new ExpectedLoss(this.#posterior.hypotheses, threshold, this.#max);
    this.#ceiling = new Ceiling(known?.ceiling);
    this.limit = Math.min(known?.limit ?? INITIAL_LIMIT, this.#ceiling.value, this.#max);
    this.#used = this.limit;
    if (known?.likely !== undefined) {
      this.#posterior.warmStart(known.likely, known.outputTokens, known.limit);
    }
    // An earlier run may have reached its limit without proof that it is harmless.
    const isKnown = this.limit <= INITIAL_LIMIT || this.#isHarmless;
    this.#harmless = isKnown ? this.limit : Math.max(INITIAL_LIMIT, this.limit / 2);
  }

  get known(): Known {
    const limit = Math.min(this.#best(this.#used), this.#used);
    const ceiling = this.#ceiling.known;
    const { likely, outputTokens } = this.#posterior;
    return {
      limit,
      ...(ceiling !== undefined && { ceiling }),
      ...(likely.length > 0 && { likely }),
      ...(likely.length > 0 && outputTokens !== undefined && { outputTokens }),
    };
  }

  /** Whether the current limit is a probe. */
  get isProbing(): boolean {
    return this.#probeFrom !== undefined;
  }

  /** Accounts for the time since the last call. Call it before the number in flight changes. */
  advance(inFlight: number, now: number): void {
    this.#posterior.advance(inFlight, now);
  }

  recordStart(request: Request): void {
    this.#posterior.recordStart(request);
  }

  /** @param tokens The output tokens, where reported. */
  recordAnswer(request: Request, load: Load, tokens: number | undefined): void {
    this.#ceiling.recordAnswer(this.limit);
    const memory =
      (this.#window.isStreaming ? STREAMING_MEMORY : 1) *
      Math.max(MIN_MEMORY, MEMORY_ROUNDS * this.limit);
    if (this.#posterior.recordAnswer(request, memory, tokens)) this.#observe(true, load);
  }

  recordText(request: Request, characters: number, load: Load): void {
    if (this.#posterior.recordText(request, characters)) this.#observe(false, load);
  }

  /** Interrupts the text stream of a request that does something other than writing. */
  pauseStream(request: Request): void {
    this.#posterior.pauseStream(request);
  }

  /** Removes a request that failed. */
  discard(request: Request): void {
    this.#posterior.discard(request);
  }

  /** Lowers the limit after a request was refused with this many others in flight. */
  lowerAfterRefusal(inFlight: number): void {
    const limit = Math.max(1, inFlight);
    if (limit > this.limit) return;
    this.#ceiling.lowerAfterRefusal(limit);
    this.#cap(limit, 'the server refused requests above this limit');
  }

  /** Lowers the limit after requests timed out that started with at least this many others in flight. */
  lowerAfterTimeouts(inFlight: number): void {
    const limit = Math.max(1, inFlight);
    this.#ceiling.lowerAfterTimeouts(limit);
    this.#cap(limit, 'requests above this limit timed out');
  }

  #cap(limit: number, reason: string): void {
    this.#used = Math.min(this.#used, limit);
    this.#posterior.stopWatchingForSpeedup();
    // This also ends a probe at a higher limit.
    const next = Math.min(limit, this.#probeFrom ?? limit);
    if (next < this.limit) this.#setLimit(next, reason);
  }

  #observe(isAnswer: boolean, load: Load): void {
    this.#window.record(isAnswer, load.inFlight, this.limit);
    const interval = Math.max(1, Math.floor(this.limit / this.#stepSizes.decisionsPerRound));
    const isDue = this.#window.observations % interval === 0;
    // The last answers of a run matter for the data passed to the next run.
    if (!isDue && !(isAnswer && load.waiting === 0)) return;
    this.#posterior.update();
    this.#updateHarmless();
    if (this.#detectSlowdown()) {
      this.#setLimit(this.limit / SLOWDOWN_DIVISOR, 'the server has become slower');
      this.#harmless = Math.min(this.#harmless, this.limit);
    } else if (load.ready > 0) {
      if (!this.isProbing && this.#isUsed(load)) this.#used = this.limit;
      this.#decide(load);
    } else if (!this.isProbing && this.#isSlowed) {
      // The limit holds no task back, but even fewer in flight may be better.
      this.#lowerBelow(Math.min(this.limit, load.inFlight));
    }
  }

  /** Whether the server has become slower. If so, the posterior forgets the knee. */
  #detectSlowdown(): boolean {
    const { answers } = this.#window;
    const isSlower =
      MECHANISMS.missingAnswers &&
      answers > MIN_OBSERVATIONS &&
      this.#posterior.slowdownLogOdds > SLOWDOWN_LOG_ODDS;
    if (isSlower) this.#posterior.forgetKnee();
    // A long period without a slowdown would hide the start of one, so the detector is renewed.
    if (isSlower || answers - this.#watchedAt > this.limit) {
      this.#posterior.watchForSlowdown();
      this.#watchedAt = answers;
    }
    return isSlower;
  }

  /** Whether there are enough requests for the limit to matter. */
  #isUsed({ inFlight }: Load): boolean {
    return inFlight > 0.75 * this.limit;
  }

  #decide(load: Load): void {
    if (this.#probeFrom !== undefined) {
      this.#endProbe(this.#probeFrom);
      return;
    }
    const best = this.#best(this.limit);
    if (best > this.limit) {
      if (this.#mayRaise(best)) {
        this.#change(best, 'higher concurrency is likely to raise throughput');
      }
    } else if (best < this.limit) {
      // Without evidence of a slowdown, a high threshold alone does not justify a lower limit.
      if (this.#isSlowed) this.#lowerBelow(this.limit);
    } else if (this.#isUsed(load) && load.waiting > this.limit) this.#probeIfWorthwhile(load);
  }

  /** Changes to the best limit if it is below a number. */
  #lowerBelow(inFlight: number): void {
    const best = this.#best(this.limit);
    if (best < inFlight) this.#change(best, 'lower concurrency is likely to be enough');
  }

  /** Ends a probe when it is complete, or when the server turns out to be faster. */
  #endProbe(probeFrom: number): void {
    if (this.#detectSpeedup(probeFrom)) return;
    const isUnclear =
      !this.#window.isReached || this.#posterior.speedupLogOdds > PROMISING_LOG_ODDS;
    const extension =
      MECHANISMS.probeExtension && this.#window.isStreaming && isUnclear ? EXTENSION : 1;
    const enough = Math.max(MIN_PROBE, this.#stepSizes.probeRounds * probeFrom);
    if (this.#window.sinceAdjusted < extension * enough) return;
    this.#setLimit(probeFrom, 'higher concurrency did not raise throughput');
  }

  /** Whether there are enough observations for a raise to this limit. */
  #mayRaise(limit: number): boolean {
    const { answers, observations, sinceAdjusted, sinceChange } = this.#window;
    // Until the first answer, the time to wait for others is unknown.
    if (answers === 1 && observations === 1) return true;
    const enough = this.#stepSizes.raiseAfter * this.limit;
    const gain = this.#loss(this.limit) - this.#loss(limit);
    return (
      sinceAdjusted >= enough ||
      (MECHANISMS.earlyRaises && sinceChange >= enough && gain > MIN_GAIN_EARLY)
    );
  }

  /** Probes a higher limit from time to time, because the knee may have moved up. */
  #probeIfWorthwhile({ waiting }: Load): void {
    const { limit } = this;
    const above = this.#stepSizes.probeFactor * limit;
    const isWorthwhile =
      MECHANISMS.probesAbove &&
      this.#window.answersSinceAdjusted > PROBE_ABOVE_EVERY * limit &&
      waiting > above &&
      above <= Math.min(this.#max, this.#ceiling.value) &&
      this.#posterior.likeliestKnee < 1.5 * limit;
    if (!isWorthwhile) return;
    this.#posterior.watchForSpeedup();
    this.#setLimit(above, 'probing higher concurrency: the server may have become faster');
    this.#probeFrom = limit;
  }

  /** Whether the server has become faster. If so, the probed limit stays. */
  #detectSpeedup(probeFrom: number): boolean {
    if (this.#posterior.speedupLogOdds <= SPEEDUP_LOG_ODDS) return false;
    this.#posterior.forgetKnee();
    this.#harmless = Math.max(this.#harmless, probeFrom);
    this.#setLimit(this.limit, 'the server has become faster');
    return true;
  }

  /** The best allowed limit, or the present one if no other is clearly better. */
  #best(present: number): number {
    const highest = this.#highestAllowed;
    const loss = this.#loss(present);
    let best = Math.min(present, highest);
    let least = Number.POSITIVE_INFINITY;
    for (let step = 0, limit = 0; limit < highest; step++) {
      limit = Math.min(highest, Math.round(2 ** (step / PER_OCTAVE)));
      const other = this.#loss(limit);
      const isBetter = loss - other > (limit > present ? MIN_GAIN_UP : MIN_GAIN_DOWN);
      if (!isBetter || other >= least) continue;
      best = limit;
      least = other;
    }
    return best;
  }

  get #highestAllowed(): number {
    const { firstFactor, maxFactor } = this.#stepSizes;
    const factor = this.#window.isChanged ? maxFactor : firstFactor;
    const next = Math.max(factor * this.limit, this.limit + 1);
    const proven = MECHANISMS.cautiousRaises
      ? Math.max(maxFactor * this.#harmless, this.#harmless + 1)
      : Number.POSITIVE_INFINITY;
    return Math.floor(Math.min(this.#max, this.#ceiling.value, proven, next));
  }

  /** Marks the limit as harmless, once there are enough observations. */
  #updateHarmless(): void {
    if (this.limit <= this.#harmless) return;
    const enough = Math.max(MIN_PROOF, this.#stepSizes.provenAfter * this.limit);
    if (this.#window.sinceAdjusted >= enough && this.#isHarmless) this.#harmless = this.limit;
  }

  /** Whether throughput is likely to grow up to the limit. */
  get #isHarmless(): boolean {
    return this.#posterior.saturationProbability(NEARLY * this.limit) < this.#stepSizes.maxDoubt;
  }

  /** Whether requests are likely to slow each other down at the limit. */
  get #isSlowed(): boolean {
    return this.#posterior.slowdownProbability(this.limit) >= LIKELY;
  }

  get #stepSizes(): StepSizes {
    if (this.#window.isStreaming) return STREAMING;
    return this.#posterior.hasTokenCounts ? WITH_TOKENS : WITHOUT_TOKENS;
  }

  #loss(limit: number): number {
    return this.#expectedLoss.at(limit, this.#posterior.probabilities);
  }

  /** Changes to a better limit. The knee to compare with is no longer the one found before. */
  #change(limit: number, reason: string): void {
    this.#posterior.stopWatchingForSpeedup();
    this.#setLimit(limit, reason);
  }

  #setLimit(limit: number, reason: string): void {
    this.limit = Math.max(1, Math.round(limit));
    this.reason = reason;
    this.#probeFrom = undefined;
    this.#window.restart();
  }
}
