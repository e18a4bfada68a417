import type { StrategySwitch } from '@stratagem/core';
import {
  bestLimit,
  type Decision,
  decide,
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
import { ErrorBursts } from '../limits/error-bursts.js';

/** The initial limit. Most servers need fewer requests to be busy, and a server that takes fewer is not flooded. */
const INITIAL_LIMIT = 16;
/** The highest limit, whatever `maxParallel` allows. */
const HIGHEST = 8_192;
/** The memory of the posterior, in rounds, and its minimum in answers; a minimum of 80 changes nothing. */
const MEMORY_ROUNDS = 8;
const MIN_MEMORY = 60;

/** A change of the limit: a decision, or `bound` by failed requests. */
type Change = Pick<Decision, 'limit' | 'reason' | 'logOdds'> & { kind: Decision['kind'] | 'bound' };

/**
 * Keeps the limit that is decided on after each observation, and what that needs. An observation is an answer or a
 * segment of text; a round is as many observations as the limit.
 */
export class LimitSearch implements Situation {
  limit: number;
  probeFrom: number | undefined;
  readonly window = new ObservationWindow();
  readonly posterior: Posterior;
  readonly expectedLoss: ExpectedLoss;
  readonly #max: number;
  readonly #ceiling: Ceiling;
  readonly #timeouts = new ErrorBursts();
  readonly #serverErrors = new ErrorBursts();
  #harmless: number;
  /** The last limit that was fully used. */
  #used: number;
  /** The change that led to the current limit. */
  #change: Change;

  /**
   * @param threshold The share of the possible gain that a higher limit must bring.
   * @param known The result of an earlier run.
   */
  constructor(maxParallel: number, threshold: number, known?: LearnedResource) {
    this.#max = Math.min(maxParallel, HIGHEST);
    this.posterior = new Posterior(this.#max);
    this.expectedLoss = new ExpectedLoss(this.posterior.hypotheses, threshold, this.#max);
    this.#ceiling = new Ceiling(known?.ceiling);
    this.limit = Math.min(known?.limit ?? INITIAL_LIMIT, this.max);
    this.#change = { kind: 'bound', limit: this.limit, reason: 'initial limit' };
    this.#used = this.limit;
    this.#harmless = this.limit;
    if (known !== undefined) this.posterior.warmStart(known);
  }

  get max(): number {
    return Math.min(this.#max, this.#ceiling.value);
  }

  get harmless(): number {
    return this.#harmless;
  }

  get stepSizes(): StepSizes {
    return this.window.isStreaming ? STREAMING : WHOLE;
  }

  /** The reason for the current limit. */
  get reason(): string {
    return this.#change.reason;
  }

  learned(): LearnedResource {
    const { likely, outputTokens } = this.posterior;
    const { permanent } = this.#ceiling;
    return {
      limit: Math.min(bestLimit(this.posterior, this, this.#used), this.#used),
      ...(Number.isFinite(permanent) && { ceiling: permanent }),
      ...(likely.length > 0 && { likely }),
      ...(likely.length > 0 && outputTokens !== undefined && { outputTokens }),
    };
  }

  /** @param rejected The limit before the current one. */
  explain(rejected: number): Pick<StrategySwitch, 'explanations' | 'comparison'> {
    const { kind, logOdds, reason } = this.#change;
    if (kind === 'bound') return {};
    if (logOdds !== undefined) {
      return { explanations: [{ explanation: reason, probability: probabilityOfOdds(logOdds) }] };
    }
    const { hypotheses, probabilities } = this.posterior;
    const lossOf = (limit: number) => shareOf(this.expectedLoss.at(limit, probabilities));
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
    this.#timeouts.recordAnswer(this.limit);
    this.#serverErrors.recordAnswer(this.limit);
  }

  recordText(request: Request, characters: number, load: Load): void {
    if (this.posterior.recordText(request, characters)) this.#observe(false, load);
  }

  /** Lowers the limit, as `lower` does, when errors come in a burst. */
  recordError(othersInFlight: number, reason: string, isPermanent = false): void {
    // A burst of both together would make a bound permanent that a single timeout does not prove.
    const bursts = isPermanent ? this.#timeouts : this.#serverErrors;
    const fewest = bursts.recordError(othersInFlight, this.limit);
    if (fewest !== undefined) this.lower(fewest, reason, isPermanent);
  }

  /**
   * Lowers the limit after requests failed that had at least this many others in flight.
   *
   * @param isPermanent Whether it never rises above that again, as a timeout costs too much.
   */
  lower(othersInFlight: number, reason: string, isPermanent = false): void {
    const limit = Math.max(1, othersInFlight);
    this.#ceiling.lower(limit, isPermanent);
    this.#used = Math.min(this.#used, limit);
    if (limit < this.limit) this.#changeTo({ kind: 'bound', limit, reason });
  }

  #observe(isAnswer: boolean, load: Load): void {
    this.window.record(isAnswer, load.inFlight, this.limit);
    const interval = Math.max(1, Math.floor(this.limit / this.stepSizes.decisionsPerRound));
    const isDue = this.window.observations % interval === 0;
    // The last answers of a run matter for the data passed to the next run.
    if (!isDue && !(isAnswer && load.waiting === 0)) return;
    this.posterior.update();
    if (this.limit > this.#harmless && isProvenHarmless(this.posterior, this)) {
      this.#harmless = this.limit;
    }
    if (this.probeFrom === undefined && load.ready > 0 && isUsed(load, this.limit)) {
      this.#used = this.limit;
    }
    const decision = isDue ? decide(this.posterior, this, load) : undefined;
    if (decision !== undefined) this.#apply(decision);
  }

  #apply(decision: Decision): void {
    const { kind } = decision;
    const { limit } = this;
    if (kind === 'slower' || kind === 'faster') this.posterior.forgetKnee();
    this.#changeTo(decision);
    if (kind === 'probe') this.probeFrom = limit;
    if (kind === 'slower') this.#harmless = Math.min(this.#harmless, this.limit);
  }

  #changeTo(change: Change): void {
    this.limit = Math.max(1, Math.round(change.limit));
    this.#change = change;
    this.probeFrom = undefined;
    this.window.restart();
  }
}
