/** A time as servers tell it: in whole milliseconds, and never too short. */
export function wholeMs(ms: number): number {
  // What is above a whole number by less than this is a rounding error.
  return Math.ceil(ms - 1e-6);
}
