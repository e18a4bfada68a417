/** Rounds a time up to whole milliseconds, as servers announce it. */
export function wholeMs(ms: number): number {
  // A smaller fraction is a rounding error.
  return Math.ceil(ms - 1e-6);
}
