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
  /** The sum of the weights up to each attempt. */
  readonly weights: readonly number[];
  /** The standard deviation of the logarithms of their durations. */
  readonly deviation: number;
}

/**
 * Draws attempts from those of a recorded run. A run is only a sample of what a server does, so each seed first
 * gives the attempts other weights (the Bayesian bootstrap), and durations between the recorded ones occur.
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
    const { attempts, weights } = samples;
    const at = random() * (weights.at(-1) as number);
    const drawn = attempts[firstAbove(weights, at)] as RecordedAttempt;
    const { durationMs, inputTokens, outputTokens, costUsd, error } = drawn;
    const rest = { inputTokens, outputTokens, costUsd, error };
    if (error !== undefined) return { ...rest, workMs: durationMs };
    return { ...rest, workMs: smoothed(this.#workOf(drawn), samples, random) };
  }

  #workOf({ durationMs, load, error }: RecordedAttempt): number {
    return error === undefined ? durationMs * this.slowdown.speedAt(load) : durationMs;
  }

  #weighted(type: string, attempts: readonly RecordedAttempt[]): Samples {
    const random = randomFrom(this.#seed, type, 'weights');
    let sum = 0;
    const weights = attempts.map(() => {
      sum -= Math.log(1 - random());
      return sum;
    });
    const logs = attempts
      .filter(({ error }) => error === undefined)
      .map((each) => Math.log(this.#workOf(each)));
    const meanLog = logs.reduce((total, log) => total + log, 0) / Math.max(1, logs.length);
    const squares = logs.reduce((total, log) => total + (log - meanLog) ** 2, 0);
    const deviation = Math.sqrt(squares / Math.max(1, logs.length - 1));
    return { attempts, weights, deviation };
  }
}

/** The position of the first of these ascending numbers that is above another, or of the last one. */
function firstAbove(numbers: readonly number[], least: number): number {
  let low = 0;
  let high = numbers.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] as number) > least) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** A duration near a recorded one. The tails of a small sample are too short, so the variance grows. */
function smoothed(workMs: number, samples: Samples, random: () => number): number {
  const { attempts, deviation } = samples;
  // Silverman's rule of thumb for the width of a kernel.
  const width = 1.06 * attempts.length ** -0.2;
  return workMs * spread(random, deviation * width);
}
