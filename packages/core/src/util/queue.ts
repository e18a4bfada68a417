/**
 * A first-in, first-out queue of numbers that keeps its room: one that is emptied and filled again
 * with every step of a run costs no memory.
 */
export class NumberQueue {
  readonly #items: number[] = [];
  #first = 0;
  #end = 0;

  push(item: number): void {
    this.#items[this.#end++] = item;
  }

  shift(): number | undefined {
    if (this.#first === this.#end) return undefined;
    const item = this.#items[this.#first++];
    if (this.#first === this.#end) this.#first = this.#end = 0;
    return item;
  }
}
