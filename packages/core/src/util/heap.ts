/** The queue is not moved to the front of its array before this many places there are free. */
const MIN_FREE = 1_024;

/**
 * A priority queue: `peek` in O(1), `pop` in O(log n), `push` in O(log n), and in O(1) for an item
 * that belongs after all the others. The item that `compare` puts first is popped first. The order
 * of ties is not specified, so a deterministic strategy ends its comparison with the task's `index`.
 *
 * @example
 * const ready = new Heap<TaskView>((a, b) => b.priority - a.priority || a.index - b.index);
 */
export class Heap<T> {
  readonly #compare: (a: T, b: T) => number;
  /**
   * Items that were pushed in order, sorted: those from `#head` up to `#tail`. Most items arrive in
   * order, and a queue is faster than a heap for them. Other places are undefined.
   */
  #queue: (T | undefined)[] = [];
  #head = 0;
  #tail = 0;
  /** A binary heap of the items that were pushed out of order. */
  readonly #heap: T[] = [];

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  get size(): number {
    return this.#tail - this.#head + this.#heap.length;
  }

  peek(): T | undefined {
    return this.#isQueueNext() ? this.#queue[this.#head] : this.#heap[0];
  }

  push(item: T): void {
    const tail = this.#tail;
    if (tail === this.#head || this.#compare(item, this.#queue[tail - 1] as T) >= 0) {
      this.#queue[tail] = item;
      this.#tail = tail + 1;
      return;
    }
    this.#heap.push(item);
    this.#rise(item, this.#heap.length - 1);
  }

  pop(): T | undefined {
    // Items that arrived in order are most, and often all.
    if (this.#heap.length > 0 && !this.#isQueueNext()) return this.#popHeap();
    const head = this.#head;
    if (head === this.#tail) return undefined;
    const first = this.#queue[head];
    this.#queue[head] = undefined;
    this.#head = head + 1;
    if (this.#head === this.#tail) {
      // The array keeps its places: a queue that is empty after each pop must not allocate.
      this.#head = 0;
      this.#tail = 0;
    } else if (this.#head >= MIN_FREE && 2 * this.#head >= this.#tail) {
      // At least as many pops as there are items left have paid for this copy.
      this.#queue = this.#queue.slice(this.#head, this.#tail);
      this.#tail -= this.#head;
      this.#head = 0;
    }
    return first;
  }

  /** Whether the first item of the queue is popped before that of the heap. */
  #isQueueNext(): boolean {
    if (this.#head === this.#tail) return false;
    if (this.#heap.length === 0) return true;
    return this.#compare(this.#queue[this.#head] as T, this.#heap[0] as T) <= 0;
  }

  #popHeap(): T | undefined {
    const items = this.#heap;
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

  /** Puts an item into the hole at `from`, or further up. */
  #rise(item: T, from: number): void {
    const items = this.#heap;
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
