/**
 * 32 bits, as a signed number, that depend on nothing but the text and the seed. FNV-1a, then the
 * finalizer of MurmurHash3, which spreads texts that differ in one character.
 */
function hashOf(text: string, seed = 0): number {
  return finalize(fnv(text, text.length, seed));
}

/**
 * A hash for a table of ids: ids that differ in their last character alone, such as `task-10` to
 * `task-19`, get neighbouring numbers. They share cache lines of the table then, and plans name
 * their tasks in this order.
 */
export function hashOfId(id: string): number {
  const last = id.length - 1;
  // An empty id has no last character: NaN counts as 0 here.
  return (finalize(fnv(id, last, 0)) + id.charCodeAt(last)) | 0;
}

/**
 * A number from 0 up to, not including, 1 that depends on nothing but the text and the seed: a
 * random draw for code that must give the same result each time.
 */
export function hashUnit(text: string, seed: number): number {
  return (hashOf(text, seed) >>> 0) / 2 ** 32;
}

function fnv(text: string, end: number, seed: number): number {
  let hash = (seed | 0) ^ 0x811c9dc5;
  for (let position = 0; position < end; position++) {
    hash = Math.imul(hash ^ text.charCodeAt(position), 0x01000193);
  }
  return hash;
}

function finalize(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

/** 64 bits of two FNV-1a hashes: for telling long ids apart, not for keeping anything secret. */
export function fingerprint(text: string): string {
  let [a, b] = [0x811c9dc5, 0x9dc5811c];
  for (let position = 0; position < text.length; position++) {
    const code = text.charCodeAt(position);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ (code + position), 0x01000193);
  }
  return [a, b].map((hash) => (hash >>> 0).toString(16).padStart(8, '0')).join('');
}
