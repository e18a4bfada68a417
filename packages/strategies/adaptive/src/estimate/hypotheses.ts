/**
 * A model of a server as a processor-sharing queue. Up to the knee, requests in flight do not slow
 * each other down. Above it, each takes (in flight / knee) ^ exponent times as long.
 */
export interface Hypothesis {
  readonly knee: number;
  /** Above the knee, throughput still grows below 1, is constant at 1 and falls above 1. */
  readonly exponent: number;
  /** The prior probability. */
  readonly prior: number;
}

/** Each exponent with its prior probability over all knees. The rest is for "no knee". */
const EXPONENTS: readonly (readonly [exponent: number, prior: number])[] = [
  [0.5, 0.1],
  [1, 0.2],
  [1.5, 0.3],
];
/** Knees are equally likely in each octave, at least up to this one. */
const USUAL_KNEE = 128;

/** Hypotheses with a lower probability than this are ignored by reports, later runs and tests for changes. */
export const PLAUSIBLE = 0.02;

/** @param max The most requests in flight. A knee at or above it counts as no knee. */
export function hypotheses(max: number): readonly Hypothesis[] {
  const octaves = Math.floor(Math.log2(Math.max(USUAL_KNEE, max))) + 1;
  const known: Hypothesis[] = [];
  let rest = 1;
  for (const [exponent, share] of EXPONENTS) {
    for (let knee = 1; knee < Math.min(max, 2 ** octaves); knee *= 2) {
      known.push({ knee, exponent, prior: share / octaves });
      rest -= share / octaves;
    }
  }
  return [{ knee: Number.POSITIVE_INFINITY, exponent: 0, prior: rest }, ...known];
}

/** The speed of each request, relative to a request that runs alone. */
export function speedOf({ knee, exponent }: Hypothesis, inFlight: number): number {
  return inFlight <= knee ? 1 : (knee / inFlight) ** exponent;
}
