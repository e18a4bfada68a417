import { Heap } from '../util/heap.js';

interface Timer {
  readonly at: number;
  readonly index: number;
}

/** Replaced and cleared timers stay in the heap until there are more of them than this. */
const MAX_STALE = 1_000;

/** At most one timer per task. Reads no clock: the caller passes the time. */
export class Timers {
  readonly #due = new Map<number, number>();
  #heap = new Heap<Timer>(earliestFirst);

  /** Number of tasks that have a timer. */
  get size(): number {
    return this.#due.size;
  }

  /** When the next timer is due; Infinity without one. */
  get next(): number {
    this.#dropStale();
    return this.#heap.peek()?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Replaces the task's timer, if it has one. */
  set(index: number, at: number): void {
    this.#due.set(index, at);
    this.#heap.push({ at, index });
  }

  clear(index: number): void {
    if (!this.#due.delete(index)) return;
    if (this.#heap.size > 2 * this.#due.size + MAX_STALE) this.#rebuild();
  }

  /** Removes and returns the task whose timer has been due longest. */
  take(now: number): number | undefined {
    this.#dropStale();
    const first = this.#heap.peek();
    if (first === undefined || first.at > now) return undefined;
    this.#heap.pop();
    this.#due.delete(first.index);
    return first.index;
  }

  #dropStale(): void {
    for (let first = this.#heap.peek(); first !== undefined; first = this.#heap.peek()) {
      if (this.#due.get(first.index) === first.at) return;
      this.#heap.pop();
    }
  }

  #rebuild(): void {
    this.#heap = new Heap<Timer>(earliestFirst);
    for (const [index, at] of this.#due) this.#heap.push({ at, index });
  }
}

function earliestFirst(a: Timer, b: Timer): number {
  return a.at - b.at || a.index - b.index;
}
