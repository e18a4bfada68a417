import type { TaskError } from '../contract/errors.js';
import type { Task } from '../contract/task.js';
import { Heap } from '../util/heap.js';

/**
 * Resources whose server asked to wait, and the tasks that were chosen for one of them meanwhile.
 * Those keep their place: they are the first to start when the wait is over, in the order in which
 * they were chosen. Each call takes O(log n), however many tasks and resources wait.
 */
export class ResourcePauses {
  /** When each ends, as Unix time in milliseconds. */
  readonly #until = new Map<string, number>();
  /** The same, and those that were made longer: they come up before the longer one does. */
  readonly #ends = new Heap<End>((a, b) => a.until - b.until);
  readonly #lines = new Map<string, Line>();
  /** The lines whose resource is free again, or was until a moment ago. */
  readonly #free = new Heap<Line>((a, b) => orderOf(a) - orderOf(b));
  #order = 0;

  get size(): number {
    return this.#until.size;
  }

  /** When the first of them ends; Infinity without any. */
  get next(): number {
    let first = this.#ends.peek();
    while (first !== undefined && this.#until.get(first.resource) !== first.until) {
      this.#ends.pop();
      first = this.#ends.peek();
    }
    return first?.until ?? Number.POSITIVE_INFINITY;
  }

  /** @returns Whether the resource is paused for longer now. */
  pause(resource: string, until: number): boolean {
    if (until <= (this.#until.get(resource) ?? Number.NEGATIVE_INFINITY)) return false;
    this.#until.set(resource, until);
    this.#ends.push({ resource, until });
    return true;
  }

  /** Forgets what is over. */
  expire(now: number): void {
    while (this.next <= now) {
      const { resource } = this.#ends.pop() as End;
      this.#until.delete(resource);
      const line = this.#lines.get(resource);
      if (line === undefined || line.isFree) continue;
      line.isFree = true;
      this.#free.push(line);
    }
  }

  has(resource: string): boolean {
    return this.#until.has(resource);
  }

  /** The task has to wait for this resource, which is paused. */
  park(index: number, resource: string): void {
    let line = this.#lines.get(resource);
    if (line === undefined) {
      line = { resource, parked: [], first: 0, isFree: false };
      this.#lines.set(resource, line);
    }
    line.parked.push({ index, order: this.#order++ });
  }

  /** The first parked task whose resource is free again, which is parked no more. */
  unpark(): number | undefined {
    for (let line = this.#free.pop(); line !== undefined; line = this.#free.pop()) {
      if (this.#until.has(line.resource)) {
        // Paused once more: the end of that pause brings it back.
        line.isFree = false;
        continue;
      }
      const { index } = line.parked[line.first++] as Parked;
      if (line.first < line.parked.length) this.#free.push(line);
      else this.#lines.delete(line.resource);
      return index;
    }
    return undefined;
  }

  /** Nothing that is parked will start any more. */
  clear(): void {
    this.#lines.clear();
    while (this.#free.pop() !== undefined);
  }
}

interface End {
  readonly resource: string;
  readonly until: number;
}

interface Parked {
  readonly index: number;
  readonly order: number;
}

/** The tasks that wait for one resource; never without any. */
interface Line {
  readonly resource: string;
  readonly parked: Parked[];
  /** Those before it wait no more. */
  first: number;
  /** Whether it is among the free lines. */
  isFree: boolean;
}

function orderOf({ parked, first }: Line): number {
  return (parked[first] as Parked).order;
}

/**
 * For how long a server that an attempt failed on asked to be left alone, in milliseconds; 0 when it
 * did not. Functions compete for nothing that they share.
 */
export function pauseAskedFor({ run }: Task, { code, retryAfterMs = 0 }: TaskError): number {
  const isBusy = code === 'rate_limited' || code === 'overloaded';
  return isBusy && run === undefined ? Math.max(0, retryAfterMs) : 0;
}
