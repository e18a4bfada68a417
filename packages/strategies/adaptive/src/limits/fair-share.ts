/**
 * The places that one of several runs may hold: all get the same, and what a run does not need goes to the
 * others (max-min fairness).
 *
 * @param demand The places that the run could use.
 * @param others The same of the other runs.
 */
export function fairShare(places: number, demand: number, others: readonly number[]): number {
  const demands = [demand, ...others].sort((a, b) => a - b);
  let left = places;
  for (const [position, each] of demands.entries()) {
    const even = left / (demands.length - position);
    if (each > even) return Math.min(demand, even);
    left -= each;
  }
  return demand;
}
