import type { RecordedAttempt } from './attempts.js';

/** Knees per factor of two, and the exponents, that are tried. */
const KNEES_PER_OCTAVE = 2;
const EXPONENTS = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2];
/** A knee must explain this much more than chance: the Bayesian criterion for two more parameters. */
const PARAMETERS = 2;

/**
 * How requests slowed each other down in a recorded run: not at all up to a knee, and by a power of the load
 * above it. The curve that leaves the least variance within the types of tasks; flat if none explains enough.
 */
export class Slowdown {
  readonly #knee: number;
  readonly #exponent: number;

  /** @param attempts Attempts at one resource. */
  constructor(attempts: readonly RecordedAttempt[]) {
    const answers = attempts.filter(({ error }) => error === undefined);
    const highest = Math.max(1, ...answers.map(({ load }) => load));
    let least = residual(answers, 1, 0);
    // Without any spread, rounding would decide.
    const floor = 1e-9 * answers.length;
    least = answers.length * Math.log(least + floor) - PARAMETERS * Math.log(answers.length);
    let best = { knee: 1, exponent: 0 };
    for (let step = 0, knee = 1; knee < highest; knee = 2 ** (++step / KNEES_PER_OCTAVE)) {
      for (const exponent of EXPONENTS) {
        const value = answers.length * Math.log(residual(answers, knee, exponent) + floor);
        if (value >= least) continue;
        least = value;
        best = { knee, exponent };
      }
    }
    this.#knee = best.knee;
    this.#exponent = best.exponent;
  }

  /** The speed of each request, relative to a request that runs alone. */
  speedAt(inFlight: number): number {
    return Math.min(1, (this.#knee / Math.max(1, inFlight)) ** this.#exponent);
  }
}

/** The squared deviations of log durations from the mean of their type, without the slowdown. */
function residual(answers: readonly RecordedAttempt[], knee: number, exponent: number): number {
  const types = new Map<string, { count: number; sum: number; squares: number }>();
  for (const { type, durationMs, load } of answers) {
    const log = Math.log(Math.max(1, durationMs)) - exponent * Math.log(Math.max(1, load / knee));
    const sums = types.get(type) ?? { count: 0, sum: 0, squares: 0 };
    types.set(type, sums);
    sums.count++;
    sums.sum += log;
    sums.squares += log * log;
  }
  let total = 0;
  for (const { count, sum, squares } of types.values()) total += squares - (sum * sum) / count;
  return Math.max(0, total);
}
