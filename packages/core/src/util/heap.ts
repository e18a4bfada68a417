/**
 * A binary heap: `push` and `pop` in O(log n), `peek` in O(1). What `compare` puts first comes out
 * first. Ties come out in no particular order, so a deterministic strategy ends its comparison
 * with the task's `index`.
 *
 * @example
 * const ready = new Heap<TaskView>((a, b) => b.priority - a.priority || a.index - b.index);
 */
export class Heap<T> {
  readonly #items: T[] = [];
  readonly #compare: (a: T, b: T) => number;

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  get size(): number {
    return this.#items.length;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    this.#items.push(item);
    this.#rise(item, this.#items.length - 1);
  }

  pop(): T | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (items.length === 0) return top;
    const compare = this.#compare;
    const size = items.length;
    let hole = 0;
    // The last item mostly belongs near the bottom again: down all the way along the smaller
    // children, and up from there, takes half the comparisons.
    for (let child = 1; child < size; child = 2 * hole + 1) {
      if (child + 1 < size && compare(items[child + 1] as T, items[child] as T) < 0) child++;
      items[hole] = items[child] as T;
      hole = child;
    }
    this.#rise(last as T, hole);
    return top;
  }

  /** Puts an item where there is a hole, or above it. */
  #rise(item: T, from: number): void {
    const items = this.#items;
    const compare = this.#compare;
    let hole = from;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      const above = items[parent] as T;
      if (compare(item, above) >= 0) break;
      items[hole] = above;
      hole = parent;
    }
    items[hole] = item;
  }
}
