/** An entry of a {@link WaitList}; a link is undefined at the ends of the list. */
export interface Waiting {
  previous?: Waiting | undefined;
  next?: Waiting | undefined;
}

/** A first-in, first-out queue that also removes any entry in constant time. */
export class WaitList<T extends Waiting> {
  #first: T | undefined;
  #last: T | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get first(): T | undefined {
    return this.#first;
  }

  push(entry: T): void {
    entry.previous = this.#last;
    if (this.#last === undefined) this.#first = entry;
    else this.#last.next = entry;
    this.#last = entry;
    this.#size++;
  }

  /** The entry must be in this list. */
  remove(entry: T): void {
    const { previous, next } = entry;
    if (previous === undefined) this.#first = next as T | undefined;
    else previous.next = next;
    if (next === undefined) this.#last = previous as T | undefined;
    else next.previous = previous;
    entry.previous = undefined;
    entry.next = undefined;
    this.#size--;
  }

  /** During the iteration, only the current entry may be removed. */
  *[Symbol.iterator](): Generator<T> {
    for (let entry = this.#first; entry !== undefined; ) {
      const next = entry.next as T | undefined;
      yield entry;
      entry = next;
    }
  }
}
