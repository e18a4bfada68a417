import { Heap } from '../util/heap.js';

/** Digits of the hash in an id: they leave room for a number within 64 characters. */
const HASH_LENGTH = 48;

/** The numbers that tell equal requests apart. */
interface Numbers {
  /** All smaller numbers have been taken. */
  next: number;
  /** Numbers that are free again, the lowest first. */
  readonly freed: Heap<number>;
}

/**
 * Ids of requests that stay the same across restarts: the hash of the request, and a number that
 * tells equal requests apart.
 */
export class RequestIds {
  readonly #numbers = new Map<string, Numbers>();

  /** Takes the id with this hash and the lowest free number. */
  take(hash: string): string {
    const key = hash.slice(0, HASH_LENGTH);
    let numbers = this.#numbers.get(key);
    if (numbers === undefined) {
      numbers = { next: 0, freed: new Heap((a, b) => a - b) };
      this.#numbers.set(key, numbers);
    }
    return `${key}-${numbers.freed.pop() ?? numbers.next++}`;
  }

  /** Frees an id for the next equal request. */
  free(id: string): void {
    const [key = '', number] = id.split('-');
    this.#numbers.get(key)?.freed.push(Number(number));
  }
}
