import type { StrategySwitch } from '@stratagem/core';
import {
  bestLimit,
  type Decision,
  decide,
  isHarmless,
  isProvenHarmless,
  isUsed,
  type Load,
  type Situation,
} from '../decide/decide.js';
import { ExpectedLoss } from '../decide/expected-loss.js';
import { explain, probabilityOfOdds, shareOf } from '../decide/explain.js';
import { ObservationWindow } from '../decide/observation-window.js';
import { STREAMING, type StepSizes, WHOLE } from '../decide/step-sizes.js';
import type { LearnedResource } from '../estimate/learned.js';
import { Posterior } from '../estimate/posterior.js';
import type { Request } from '../estimate/request.js';
import { Ceiling } from '../limits/ceiling.js';

/**
 * The initial limit. Most servers need fewer requests to be busy, and a server that takes fewer is
 * not flooded.
 */
export const INITIAL_LIMIT = 16;
/** The highest limit, whatever `maxParallel` allows. */
const HIGHEST = 8_192;
/** The memory of the posterior, in rounds, and its minimum in answers; a minimum of 80 changes nothing. */
const MEMORY_ROUNDS = 8;
const MIN_MEMORY = 60;

export type Known = Pick<LearnedResource, 'limit' | 'ceiling' | 'likely' | 'outputTokens'>;

/**
 * Keeps the limit that is decided on after each observation, and what that needs: the estimate of the
 * server, the observations since the last change, and the ceiling. An observation is an answer or a segment
 * of text; a round is as many observations as the limit.
 */
export class LimitSearch {
  limit: number;
  /** The reason for the current limit. */
  reason = 'initial limit';
  /** What led to the current limit; undefined when a refusal or a timeout did. */
  #decision: Decision | undefined;

  readonly #max: number;
  readonly posterior: Posterior;
  readonly #expectedLoss: ExpectedLoss;
  readonly #ceiling: Ceiling;
  readonly #window = new ObservationWindow();
  #probeFrom: number | undefined;
  #harmless: number;
  /** The last limit that was fully used. */
  #used: number;

  /**
   * @param threshold The share of the possible gain that a higher limit must bring.
   * @param known The result of an earlier run.
   */
  constructor(max: number, threshold: number, known?: Known) {
    this.#max = Math.min(max, HIGHEST);
    this.posterior = new Posterior(this.#max);
    this.#expectedLoss = new ExpectedLoss(this.posterior.hypotheses, threshold, this.#max);
    this.#ceiling = new Ceiling(known?.ceiling);
    this.limit = Math.min(known?.limit ?? INITIAL_LIMIT, this.#ceiling.value, this.#max);
    this.#used = this.limit;
    if (known?.likely !== undefined) {
      this.posterior.warmStart(known.likely, known.outputTokens, known.limit);
    }
    // An earlier run may have reached its limit without proof that it is harmless.
    const isKnown =
      this.limit <= INITIAL_LIMIT ||
      isHarmless(this.posterior, { limit: this.limit, stepSizes: this.#stepSizes });
    this.#harmless = isKnown ? this.limit : Math.max(INITIAL_LIMIT, this.limit / 2);
  }

  get known(): Known {
    const best = bestLimit(this.posterior, this.situation, this.#used);
    const limit = Math.min(best, this.#used);
    const ceiling = this.#ceiling.known;
    const { likely, outputTokens } = this.posterior;
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

  /**
   * The likeliest explanations of what was measured.
   *
   * @param rejected The limit before the current one.
   */
  explain(rejected: number): Pick<StrategySwitch, 'explanations' | 'comparison'> {
    if (this.#decision === undefined) return {};
    const { logOdds, reason } = this.#decision;
    if (logOdds !== undefined) {
      return { explanations: [{ explanation: reason, probability: probabilityOfOdds(logOdds) }] };
    }
    const { hypotheses, probabilities } = this.posterior;
    const lossOf = (limit: number) => shareOf(this.#expectedLoss.at(limit, probabilities));
    return {
      explanations: explain(hypotheses, probabilities),
      comparison: {
        expectedLoss: lossOf(this.limit),
        rejectedLimit: rejected,
        rejectedLoss: lossOf(rejected),
      },
    };
  }

  /** @param tokens The output tokens, where reported. */
  recordAnswer(request: Request, load: Load, tokens: number | undefined): void {
    this.#ceiling.recordAnswer(this.limit);
    const memory = Math.max(MIN_MEMORY, MEMORY_ROUNDS * this.limit);
    if (this.posterior.recordAnswer(request, memory, tokens)) this.#observe(true, load);
  }

  recordText(request: Request, characters: number, load: Load): void {
    if (this.posterior.recordText(request, characters)) this.#observe(false, load);
  }

  /** Lowers the limit after a request was refused with this many others in flight. */
  lowerAfterRefusal(inFlight: number): void {
    this.#lower(inFlight, 'the server refused requests above this limit');
  }

  /** Lowers the limit after requests were lost with at least this many others in flight. */
  lowerAfterLosses(inFlight: number): void {
    this.posterior.ignoreOpen();
    this.#lower(inFlight, 'requests above this limit got no answer, though later ones did');
  }

  /** Lowers the limit after requests timed out that started with at least this many others in flight. */
  lowerAfterTimeouts(inFlight: number): void {
    const limit = Math.max(1, inFlight);
    this.#ceiling.lowerAfterTimeouts(limit);
    this.#cap(limit, 'requests above this limit timed out');
  }

  #lower(inFlight: number, reason: string): void {
    const limit = Math.max(1, inFlight);
    if (limit > this.limit) return;
    this.#ceiling.lowerAfterRefusal(limit);
    this.#cap(limit, reason);
  }

  #cap(limit: number, reason: string): void {
    this.#used = Math.min(this.#used, limit);
    // This also ends a probe at a higher limit.
    const next = Math.min(limit, this.#probeFrom ?? limit);
    if (next < this.limit) this.#setLimit(next, reason, undefined);
  }

  #observe(isAnswer: boolean, load: Load): void {
    const window = this.#window;
    window.record(isAnswer, load.inFlight, this.limit);
    const interval = Math.max(1, Math.floor(this.limit / this.#stepSizes.decisionsPerRound));
    const isDue = window.observations % interval === 0;
    // The last answers of a run matter for the data passed to the next run.
    if (!isDue && !(isAnswer && load.waiting === 0)) return;
    this.posterior.update();
    const situation = this.situation;
    if (this.limit > this.#harmless && isProvenHarmless(this.posterior, situation)) {
      this.#harmless = this.limit;
    }
    if (!this.isProbing && load.ready > 0 && isUsed(load, this.limit)) this.#used = this.limit;
    const decision = isDue ? decide(this.posterior, this.situation, load) : undefined;
    if (decision !== undefined) this.#apply(decision);
  }

  #apply(decision: Decision): void {
    const { kind, limit, reason } = decision;
    const before = this.limit;
    if (kind === 'slower' || kind === 'faster') this.posterior.forgetKnee();
    if (kind === 'faster') this.#harmless = Math.max(this.#harmless, this.#probeFrom ?? 0);
    this.#setLimit(limit, reason, decision);
    if (kind === 'probe') this.#probeFrom = before;
    if (kind === 'slower') this.#harmless = Math.min(this.#harmless, this.limit);
  }

  /** What a decision depends on, apart from the estimate. */
  get situation(): Situation {
    return {
      limit: this.limit,
      probeFrom: this.#probeFrom,
      max: Math.min(this.#max, this.#ceiling.value),
      harmless: this.#harmless,
      window: this.#window,
      stepSizes: this.#stepSizes,
      expectedLoss: this.#expectedLoss,
    };
  }

  get #stepSizes(): StepSizes {
    return this.#window.isStreaming ? STREAMING : WHOLE;
  }

  #setLimit(limit: number, reason: string, decision: Decision | undefined): void {
    this.limit = Math.max(1, Math.round(limit));
    this.reason = reason;
    this.#decision = decision;
    this.#probeFrom = undefined;
    this.#window.restart();
  }
}
