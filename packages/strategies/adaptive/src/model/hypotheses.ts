/**
 * A way in which a server may behave: up to a number of requests in flight none slows another down,
 * past that each takes (in flight / knee) to the power of the exponent as long.
 */
export interface Hypothesis {
  readonly knee: number;
  /** Below 1, more at once still bring more; at 1, as much; above, less. */
  readonly exponent: number;
  /** How likely it is before anything is known. */
  readonly prior: number;
}

/** How likely they are, over all knees; what is left is for none. */
const EXPONENTS: readonly (readonly [exponent: number, prior: number])[] = [
  [0.5, 0.1],
  [1, 0.2],
  [1.5, 0.3],
];
/** A knee is as likely in one octave as in another, up to this one or what may be in flight. */
const USUAL_KNEE = 128;
const HIGHEST_KNEE = 4_096;

/** A hypothesis less likely than this is not believed. */
export const PLAUSIBLE = 0.02;

/** @param max How many may be in flight: a knee there or above is none. */
export function hypotheses(max: number): readonly Hypothesis[] {
  const highest = Math.min(HIGHEST_KNEE, Math.max(USUAL_KNEE, max));
  const octaves = Math.floor(Math.log2(highest)) + 1;
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

/** How fast each of so many requests gets on; 1 is as if it was alone. */
export function speedOf({ knee, exponent }: Hypothesis, inFlight: number): number {
  return inFlight <= knee ? 1 : (knee / inFlight) ** exponent;
}
