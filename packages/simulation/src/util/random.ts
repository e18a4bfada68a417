/**
 * A random generator from 0 to just under 1, seeded by words (Mulberry32 on an FNV-1a hash). The
 * numbers of a request depend only on its words, so strategies get the same durations in any order.
 */
export function randomFrom(...words: readonly (string | number)[]): () => number {
  let state = hash(words.join('\u0000'));
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Draws a factor from the lognormal distribution with median 1. */
export function spread(random: () => number, sigma: number): number {
  if (sigma === 0) return 1;
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  return Math.exp(sigma * radius * Math.cos(2 * Math.PI * random()));
}

function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value;
}
