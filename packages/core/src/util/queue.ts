/**
 * A first-in, first-out queue that keeps its room: one that is emptied and filled again with every
 * step of a run costs no memory.
 */
export class Queue<T> {
  readonly #items: (T | undefined)[] = [];
  #first = 0;
  #end = 0;

  get size(): number {
    return this.#end - this.#first;
  }

  push(item: T): void {
    this.#items[this.#end++] = item;
  }

  /** Removes and returns the first item; undefined without one. */
  shift(): T | undefined {
    if (this.#first === this.#end) return undefined;
    const item = this.#items[this.#first];
    this.#items[this.#first++] = undefined;
    if (this.#first === this.#end) this.#first = this.#end = 0;
    return item;
  }
}
