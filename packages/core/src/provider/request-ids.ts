/** Of the hash, as many digits as leave room for a number within 64 characters. */
const HASH_LENGTH = 48;

/** The numbers that equal requests have. */
interface Numbers {
  /** All below it were given out. */
  next: number;
  readonly freed: Set<number>;
}

/**
 * Ids of requests that are the same whenever the same requests are made: the hash of what is asked,
 * and which of several equal requests it is.
 */
export class RequestIds {
  readonly #numbers = new Map<string, Numbers>();

  /** The id of this hash with the lowest number that is not taken. */
  take(hash: string): string {
    const key = hash.slice(0, HASH_LENGTH);
    let numbers = this.#numbers.get(key);
    if (numbers === undefined) {
      numbers = { next: 0, freed: new Set() };
      this.#numbers.set(key, numbers);
    }
    const { freed } = numbers;
    if (freed.size === 0) return `${key}-${numbers.next++}`;
    let lowest = Number.POSITIVE_INFINITY;
    for (const number of freed) lowest = Math.min(lowest, number);
    freed.delete(lowest);
    return `${key}-${lowest}`;
  }

  /** The next equal request gets it. */
  free(id: string): void {
    const [key = '', number] = id.split('-');
    this.#numbers.get(key)?.freed.add(Number(number));
  }
}
