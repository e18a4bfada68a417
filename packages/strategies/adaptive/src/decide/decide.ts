import type { Posterior } from '../estimate/posterior.js';
import type { ExpectedLoss } from './expected-loss.js';
import { NEARLY, type ObservationWindow } from './observation-window.js';
import type { StepSizes } from './step-sizes.js';

/** The least gain, as a log ratio, for a change: each change costs observations. 0.03 and 0.04 do as well. */
const MIN_GAIN = 0.035;
/**
 * The least gain for another raise before the number in flight has adjusted: half of what doubling can bring. From
 * 0.2 to 0.5, whole answers differ by less than 0.1 %.
 */
const MIN_GAIN_EARLY = Math.LN2 / 2;
/**
 * The highest limit to try, relative to the highest one that is known to be harmless. With 2, whole answers take up to
 * 1.85 times as long as with the best fixed limit, and up to 1.82 times with 1.75.
 */
const PROVEN_FACTOR = 1.75;
/** The factor of a probe at a higher limit, and the number of rounds between probes. */
const PROBE_FACTOR = 1.5;
const PROBE_EVERY = 6;
/** The log odds that prove a speedup. A false alarm may flood the server, and costs more than one more probe. */
const SPEEDUP_LOG_ODDS = 4;
/** The log odds that prove a slowdown. */
const SLOWDOWN_LOG_ODDS = 10;
/** The divisor of the limit after a slowdown. Requests in flight still keep the server busy. */
const SLOWDOWN_DIVISOR = 4;

/** What is known about the server. */
export type Estimate = Pick<
  Posterior,
  | 'probabilities'
  | 'saturationProbability'
  | 'slowdownProbability'
  | 'likeliestKnee'
  | 'slowdownLogOdds'
  | 'speedupLogOdds'
>;

/** The load at the time of an observation. */
export interface Load {
  /** Requests in flight, including the observed one. */
  readonly inFlight: number;
  /** Tasks that could start if the limit were higher. */
  readonly ready: number;
  /** Tasks that have not started, for any reason. */
  readonly waiting: number;
}

/** Everything but the estimate that a decision depends on. */
export interface Situation {
  readonly limit: number;
  /** The limit before the current probe at a higher one; undefined without a probe. */
  readonly probeFrom: number | undefined;
  /** The highest limit that the cap, refusals and timeouts allow. */
  readonly max: number;
  /** The highest limit at which throughput is known to grow. */
  readonly harmless: number;
  /** The observations since the limit changed. */
  readonly window: Readonly<ObservationWindow>;
  readonly stepSizes: StepSizes;
  readonly expectedLoss: Pick<ExpectedLoss, 'at'>;
}

/** A change of the limit. */
export interface Decision {
  /**
   * - `raise` and `lower`: another limit has the lower expected loss.
   * - `probe` and `end_probe`: a higher limit for a while, and back.
   * - `slower` and `faster`: the server has changed, so the knee is unknown again.
   */
  readonly kind: 'raise' | 'lower' | 'probe' | 'end_probe' | 'slower' | 'faster';
  readonly limit: number;
  /** Why, in a sentence for humans. */
  readonly reason: string;
  /** The log odds of a change of the server; undefined where the expected loss decided. */
  readonly logOdds?: number | undefined;
}

/** Decides on the limit after an observation; undefined to keep it. Changes nothing itself. */
export function decide(estimate: Estimate, situation: Situation, load: Load): Decision | undefined {
  const { limit, probeFrom } = situation;
  const { slowdownLogOdds: logOdds } = estimate;
  if (logOdds > SLOWDOWN_LOG_ODDS) {
    const reason = 'the server has become slower';
    return { kind: 'slower', limit: limit / SLOWDOWN_DIVISOR, reason, logOdds };
  }
  if (load.ready === 0) {
    // The limit holds no task back, but even fewer in flight may be better.
    if (probeFrom !== undefined || !isSlowed(estimate, limit)) return undefined;
    return lowerBelow(Math.min(limit, load.inFlight), estimate, situation);
  }
  if (probeFrom !== undefined) return endOfProbe(probeFrom, estimate, situation);
  const best = bestLimit(estimate, situation);
  if (best > limit) {
    if (!mayRaise(best, estimate, situation)) return undefined;
    const reason = 'higher concurrency is likely to raise throughput';
    return { kind: 'raise', limit: best, reason };
  }
  if (best < limit) {
    // Without evidence of a slowdown, a high threshold alone does not justify a lower limit.
    return isSlowed(estimate, limit) ? lowerBelow(limit, estimate, situation) : undefined;
  }
  return isUsed(load, limit) ? probe(load, estimate, situation) : undefined;
}

/** Whether there are enough requests for the limit to matter. */
export function isUsed({ inFlight }: Load, limit: number): boolean {
  return inFlight > NEARLY * limit;
}

/** Whether throughput is known to grow up to the limit. */
export function isProvenHarmless(
  estimate: Estimate,
  { limit, window, stepSizes }: Situation,
): boolean {
  if (window.sinceAdjusted < stepSizes.enough * limit) return false;
  return estimate.saturationProbability(NEARLY * limit) < stepSizes.maxDoubt;
}

/**
 * The best allowed limit, or the present one if no other is clearly better.
 *
 * @param present The limit to compare others with.
 */
export function bestLimit(
  estimate: Estimate,
  situation: Situation,
  present = situation.limit,
): number {
  const highest = highestAllowed(situation);
  const lossOf = (limit: number) => situation.expectedLoss.at(limit, estimate.probabilities);
  let best = Math.min(present, highest);
  let least = lossOf(present) - MIN_GAIN;
  // Between two knees, the loss is linear in the logarithm of the limit: it is least at a knee or at an end.
  for (let octave = 0; ; octave++) {
    const limit = Math.min(2 ** octave, highest);
    const loss = lossOf(limit);
    if (loss < least) {
      best = limit;
      least = loss;
    }
    if (limit === highest) return best;
  }
}

function highestAllowed({ limit, max, harmless, window, stepSizes }: Situation): number {
  const { firstFactor, maxFactor } = stepSizes;
  const factor = window.isChanged ? maxFactor : firstFactor;
  const next = Math.max(factor * limit, limit + 1);
  const proven = Math.max(PROVEN_FACTOR * harmless, harmless + 1);
  return Math.floor(Math.min(max, proven, next));
}

/** Changes to the best limit if it is below a number. */
function lowerBelow(
  inFlight: number,
  estimate: Estimate,
  situation: Situation,
): Decision | undefined {
  const best = bestLimit(estimate, situation);
  if (best >= inFlight) return undefined;
  return { kind: 'lower', limit: best, reason: 'lower concurrency is likely to be enough' };
}

/** Whether there are enough observations for a raise to this limit. */
function mayRaise(best: number, estimate: Estimate, situation: Situation): boolean {
  const { limit, window, stepSizes, expectedLoss } = situation;
  const { answers, observations, sinceAdjusted, sinceChange } = window;
  // Until the first answer, the time to wait for others is unknown.
  if (answers === 1 && observations === 1) return true;
  const enough = stepSizes.enough * limit;
  if (sinceAdjusted >= enough) return true;
  if (sinceChange < enough) return false;
  const { probabilities } = estimate;
  const gain = expectedLoss.at(limit, probabilities) - expectedLoss.at(best, probabilities);
  return gain > MIN_GAIN_EARLY;
}

/** Ends a probe when it is complete, or when the server turns out to be faster. */
function endOfProbe(
  probeFrom: number,
  estimate: Estimate,
  { limit, window }: Situation,
): Decision | undefined {
  const { speedupLogOdds } = estimate;
  if (speedupLogOdds > SPEEDUP_LOG_ODDS) {
    const reason = 'the server has become faster';
    return { kind: 'faster', limit, reason, logOdds: speedupLogOdds };
  }
  if (window.sinceAdjusted < probeFrom) return undefined;
  const reason = 'higher concurrency did not raise throughput';
  return { kind: 'end_probe', limit: probeFrom, reason };
}

/** Probes a higher limit from time to time, because the knee may have moved up. */
function probe(
  { waiting }: Load,
  estimate: Estimate,
  { limit, max, window }: Situation,
): Decision | undefined {
  const above = PROBE_FACTOR * limit;
  const isWorthwhile =
    window.answersSinceAdjusted > PROBE_EVERY * limit &&
    waiting > above &&
    above <= max &&
    estimate.likeliestKnee < above &&
    limit < PROBE_FACTOR * estimate.likeliestKnee;
  if (!isWorthwhile) return undefined;
  const reason = 'probing higher concurrency: the server may have become faster';
  return { kind: 'probe', limit: above, reason };
}

/** Whether it is likelier than not that requests slow each other down at the limit. */
function isSlowed(estimate: Estimate, limit: number): boolean {
  return estimate.slowdownProbability(limit) > 0.5;
}
