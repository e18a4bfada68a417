import { Heap } from '../util/heap.js';

/** Of the hash, as many digits as leave room for a number within 64 characters. */
const HASH_LENGTH = 48;

/** The numbers that equal requests have. */
interface Numbers {
  /** All below it were given out. */
  next: number;
  /** Of those, the ones that can be given out again, the lowest first. */
  readonly freed: Heap<number>;
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
      numbers = { next: 0, freed: new Heap((a, b) => a - b) };
      this.#numbers.set(key, numbers);
    }
    return `${key}-${numbers.freed.pop() ?? numbers.next++}`;
  }

  /** The next equal request gets it. */
  free(id: string): void {
    const [key = '', number] = id.split('-');
    this.#numbers.get(key)?.freed.push(Number(number));
  }
}
