/** Longer words get no suggestion. */
const MAX_LENGTH = 64;
/** How many candidates and pairs of letters one search may compare. */
const MAX_CANDIDATES = 10_000;
const MAX_COMPARISONS = 500_000;

/**
 * ` Did you mean "x"?` for the candidate closest to `word`, or an empty string when none is close.
 * The work is bounded for any input.
 */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  if (word.length > MAX_LENGTH) return '';
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  let seen = 0;
  let comparisons = 0;
  for (const candidate of candidates) {
    if (++seen > MAX_CANDIDATES || comparisons > MAX_COMPARISONS) break;
    if (Math.abs(candidate.length - word.length) >= bestDistance) continue;
    comparisons += word.length * candidate.length;
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best === undefined ? '' : ` Did you mean "${best}"?`;
}

/** Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours. */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min(
        (previous[column] as number) + 1,
        (current[column - 1] as number) + 1,
        (previous[column - 1] as number) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, (beforePrevious[column - 2] as number) + 1);
      }
      current.push(cost);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length] as number;
}
