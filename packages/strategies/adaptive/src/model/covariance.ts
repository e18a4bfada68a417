/** How far logarithms lie apart: variances of tokens (`xx`) and work (`yy`), and their covariance. */
export interface Covariance {
  readonly xx: number;
  readonly xy: number;
  readonly yy: number;
}

/** Latencies of models differ about so much, and the lengths of what they write, as deviations. */
const DEVIATION = 0.25;
const VARIANCE = DEVIATION ** 2;
/** How far the one goes with the other. */
const CORRELATION = 0.7;

/** What is taken to be so before anything is known. */
export const USUAL: Covariance = { xx: VARIANCE, xy: CORRELATION * VARIANCE, yy: VARIANCE };
/** The same, where nobody tells how much was written. */
export const UNTOLD: Covariance = { ...USUAL, xy: 0 };

/** The deviation of work of which it is known how much was written, squared. */
export function restOf({ xx, xy, yy }: Covariance): number {
  return yy - (xy * xy) / xx;
}
