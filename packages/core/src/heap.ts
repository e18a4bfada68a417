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
    const items = this.#items;
    const compare = this.#compare;
    let hole = items.length;
    items.push(item);
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      const above = items[parent] as T;
      if (compare(item, above) >= 0) break;
      items[hole] = above;
      hole = parent;
    }
    items[hole] = item;
  }

  pop(): T | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (items.length === 0) return top;
    const compare = this.#compare;
    const size = items.length;
    const item = last as T;
    let hole = 0;
    for (let child = 1; child < size; child = 2 * hole + 1) {
      if (child + 1 < size && compare(items[child + 1] as T, items[child] as T) < 0) child++;
      const below = items[child] as T;
      if (compare(item, below) <= 0) break;
      items[hole] = below;
      hole = child;
    }
    items[hole] = item;
    return top;
  }
}
