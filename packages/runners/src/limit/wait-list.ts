/** An entry of a {@link WaitList}; `undefined` links are the ends. */
export interface Waiting {
  previous?: Waiting | undefined;
  next?: Waiting | undefined;
}

/** First in, first out, and out of the middle as well: all in constant time. */
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

  /** What is removed while it is walked must be the entry just given. */
  *[Symbol.iterator](): Generator<T> {
    for (let entry = this.#first; entry !== undefined; ) {
      const next = entry.next as T | undefined;
      yield entry;
      entry = next;
    }
  }
}
