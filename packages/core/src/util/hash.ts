/**
 * 32 bits, as a signed number, that depend on nothing but the text and the seed. FNV-1a, then the
 * finalizer of MurmurHash3, which spreads texts that differ in one character.
 */
export function hashOf(text: string, seed = 0): number {
  let hash = (seed | 0) ^ 0x811c9dc5;
  for (let position = 0; position < text.length; position++) {
    hash = Math.imul(hash ^ text.charCodeAt(position), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/**
 * A number from 0 up to, not including, 1 that depends on nothing but the text and the seed: a
 * random draw for code that must give the same result each time.
 */
export function hashUnit(text: string, seed: number): number {
  return (hashOf(text, seed) >>> 0) / 2 ** 32;
}
