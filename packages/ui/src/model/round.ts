/** Times with three decimals: a microsecond. */
export function round(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
