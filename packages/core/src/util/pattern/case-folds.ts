/** Maps code points to the one that represents all that differ in case alone; others are missing. */
export type CaseFolds = ReadonlyMap<number, number>;

/** All alphabets with cases are below. */
const CASES_END = 0x20000;
const DOTLESS_I = 0x131;
let knownFolds: CaseFolds | undefined;

/** Made at the first use, which takes some milliseconds. */
export function caseFolds(): CaseFolds {
  if (knownFolds !== undefined) return knownFolds;
  const folds = new Map<number, number>();
  const representatives = new Map<string, number>();
  for (let code = 0; code < CASES_END; code++) {
    const character = String.fromCodePoint(code);
    const lower = character.toLowerCase();
    // Lower case first: ẞ becomes ß and then SS, while ẞ is its own upper case.
    const key = lower.toUpperCase();
    // Unicode does not fold the dotless i, although its upper case is I.
    if ((key === character && lower === character) || code === DOTLESS_I) continue;
    const representative = representatives.get(key);
    if (representative === undefined) representatives.set(key, code);
    else folds.set(code, representative);
  }
  knownFolds = folds;
  return folds;
}
