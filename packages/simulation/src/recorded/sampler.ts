import { bootstrapOf, meanUncertainty, type PositionDraw } from '@stratagem/core/strategy';
import type { Request } from '../servers/server.js';
import { randomFrom, spread } from '../util/random.js';
import type { RecordedAttempt } from './attempts.js';
import { Slowdown } from './slowdown.js';

/** What happens to an attempt. */
export interface DrawnAttempt
  extends Pick<RecordedAttempt, 'inputTokens' | 'outputTokens' | 'costUsd' | 'error'> {
  /** Its duration on an idle server, or until it fails. */
  readonly workMs: number;
}

/** The attempts of one type. */
interface Samples {
  readonly attempts: readonly RecordedAttempt[];
  readonly position: PositionDraw;
  /** The standard deviation of the logarithms of their durations. */
  readonly deviation: number;
  /** By how much all durations, and all costs and tokens, of this seed are above those that were recorded. */
  readonly durationFactor: number;
  readonly sizeFactor: number;
}

/**
 * Draws attempts from those of a recorded run. A run is only a sample of what a server does, so each seed first
 * gives the attempts other weights (the Bayesian bootstrap), and durations between the recorded ones occur.
 * A few attempts say little about their mean, less than other weights show: so each seed moves them, too.
 */
export class Sampler {
  readonly slowdown: Slowdown;
  readonly #seed: number;
  /** By type; the attempts of all types under the empty name. */
  readonly #samples = new Map<string, Samples>();

  constructor(attempts: readonly RecordedAttempt[], seed: number) {
    this.#seed = seed;
    this.slowdown = new Slowdown(attempts);
    const types = new Set(attempts.map(({ type }) => type));
    for (const type of types) {
      const each = attempts.filter((attempt) => attempt.type === type);
      this.#samples.set(type, this.#weighted(type, each));
    }
    this.#samples.set('', this.#weighted('', attempts));
  }

  draw({ taskId, attempt, type = 'action' }: Request): DrawnAttempt {
    const samples = this.#samples.get(type) ?? (this.#samples.get('') as Samples);
    const random = randomFrom(this.#seed, taskId, attempt, 'recorded');
    const { attempts, position, durationFactor, sizeFactor } = samples;
    const drawn = attempts[position(random)] as RecordedAttempt;
    const { durationMs, error } = drawn;
    const rest = {
      inputTokens: Math.round(drawn.inputTokens * sizeFactor),
      outputTokens: Math.round(drawn.outputTokens * sizeFactor),
      costUsd: drawn.costUsd && drawn.costUsd * sizeFactor,
      error,
    };
    if (error !== undefined) return { ...rest, workMs: durationMs };
    const workMs = smoothed(this.#workOf(drawn), samples, random);
    return { ...rest, workMs: workMs * durationFactor };
  }

  #workOf({ durationMs, load, error }: RecordedAttempt): number {
    return error === undefined ? durationMs * this.slowdown.speedAt(load) : durationMs;
  }

  #weighted(type: string, attempts: readonly RecordedAttempt[]): Samples {
    const position = bootstrapOf(attempts.length, randomFrom(this.#seed, type, 'weights'));
    const logs = attempts
      .filter(({ error }) => error === undefined)
      // An attempt may end in the millisecond in which it began.
      .map((each) => Math.log(Math.max(1, this.#workOf(each))));
    const meanLog = logs.reduce((total, log) => total + log, 0) / Math.max(1, logs.length);
    const squares = logs.reduce((total, log) => total + (log - meanLog) ** 2, 0);
    const deviation = Math.sqrt(squares / Math.max(1, logs.length - 1));
    const sizes = sizesOf(attempts);
    const factorFor = (variation: number, what: string) =>
      factorOf(attempts.length, variation, randomFrom(this.#seed, type, what));
    return {
      ...{ attempts, position, deviation },
      durationFactor: factorFor(Math.min(1, deviation), 'durations'),
      sizeFactor: factorFor(variationOf(sizes), 'sizes'),
    };
  }
}

/** Costs, or tokens where the price of some is unknown: sums of both would say nothing. */
function sizesOf(attempts: readonly RecordedAttempt[]): number[] {
  const tokensOf = ({ inputTokens, outputTokens }: RecordedAttempt) => inputTokens + outputTokens;
  const arePriced = attempts.every((each) => each.costUsd !== undefined || tokensOf(each) === 0);
  return attempts.map((each) => (arePriced ? (each.costUsd ?? 0) : tokensOf(each)));
}

/** The standard deviation relative to the mean; 0 for a single value. */
function variationOf(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length < 2 || mean <= 0) return 0;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1)) / mean;
}

/**
 * A factor for all values of a sample, with median 1. The mean of `count` values varies as Student's t says. The
 * weights of the bootstrap make it vary less: they know nothing beyond the sample.
 */
function factorOf(count: number, variation: number, random: () => number): number {
  return count < 2 ? 1 : spread(random, variation * meanUncertainty(count));
}

/** A duration near a recorded one. The tails of a small sample are too short, so the variance grows. */
function smoothed(workMs: number, samples: Samples, random: () => number): number {
  const { attempts, deviation } = samples;
  // Silverman's rule of thumb for the width of a kernel.
  const width = 1.06 * attempts.length ** -0.2;
  return workMs * spread(random, deviation * width);
}
