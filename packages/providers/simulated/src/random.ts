/**
 * A random generator from 0 to just under 1, seeded by words, so that the numbers of an attempt do not
 * depend on earlier attempts.
 */
export function randomFrom(...words: (string | number)[]): () => number {
  let state = hash(words.join('\u0000'));
  // Mulberry32: small, and good enough for latencies and failures.
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value;
}

/** Draws from the lognormal distribution with this median and standard deviation of the logarithm. */
export function lognormal(random: () => number, median: number, sigma: number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  return median * Math.exp(sigma * radius * Math.cos(2 * Math.PI * random()));
}
