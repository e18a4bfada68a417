import { hashUnit } from '../src/util/hash.js';

/** Draws that depend on the seed and on what they are for, and on nothing that was drawn before. */
export class Dice {
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** A whole number from 0 up to, not including, `bound`. */
  below(bound: number, what: string): number {
    return Math.floor(hashUnit(what, this.#seed) * bound);
  }

  chance(share: number, what: string): boolean {
    return hashUnit(`${what}?`, this.#seed) < share;
  }

  pick<T>(list: readonly T[], what: string): T {
    return list[this.below(list.length, what)] as T;
  }
}
