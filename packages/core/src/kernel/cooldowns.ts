import type { TaskError } from '../contract/errors.js';
import type { Task } from '../contract/task.js';
import { Heap } from '../util/heap.js';

/**
 * Resources whose server asked to wait, and the tasks that were chosen for one of them meanwhile.
 * Those tasks keep their place: they start first when the cooldown is over, in the order in which
 * they were chosen. Each call takes O(log n), however many tasks and resources wait.
 */
export class Cooldowns {
  /** When each ends, as Unix time in milliseconds. */
  readonly #until = new Map<string, number>();
  /** Also holds superseded ends; they come up before the longer one does. */
  readonly #ends = new Heap<End>((a, b) => a.until - b.until);
  readonly #lines = new Map<string, Line>();
  /** The lines whose resource is free again, or was until a moment ago. */
  readonly #free = new Heap<Line>((a, b) => orderOf(a) - orderOf(b));
  #order = 0;

  get size(): number {
    return this.#until.size;
  }

  /** When the first cooldown ends; Infinity without any. */
  get next(): number {
    let first = this.#ends.peek();
    while (first !== undefined && this.#until.get(first.resource) !== first.until) {
      this.#ends.pop();
      first = this.#ends.peek();
    }
    return first?.until ?? Number.POSITIVE_INFINITY;
  }

  /** @returns Whether the resource's cooldown has become longer. */
  begin(resource: string, until: number): boolean {
    if (until <= (this.#until.get(resource) ?? Number.NEGATIVE_INFINITY)) return false;
    this.#until.set(resource, until);
    this.#ends.push({ resource, until });
    return true;
  }

  /** Ends the cooldowns that are over. */
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

  /** Holds a chosen task back until the cooldown of its resource is over. */
  park(index: number, resource: string): void {
    let line = this.#lines.get(resource);
    if (line === undefined) {
      line = { resource, parked: [], first: 0, isFree: false };
      this.#lines.set(resource, line);
    }
    line.parked.push({ index, order: this.#order++ });
  }

  /** Takes out the first parked task whose resource is free again. */
  unpark(): number | undefined {
    for (let line = this.#free.pop(); line !== undefined; line = this.#free.pop()) {
      if (this.#until.has(line.resource)) {
        // Paused once more: the end of that cooldown brings it back.
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

  /** Forgets the parked tasks: they will not start any more. */
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

/** The tasks that wait for one resource; never empty. */
interface Line {
  readonly resource: string;
  readonly parked: Parked[];
  /** Position of the first that still waits. */
  first: number;
  /** Whether it is among the free lines. */
  isFree: boolean;
}

function orderOf({ parked, first }: Line): number {
  return (parked[first] as Parked).order;
}

/**
 * How long a server asked to wait when it refused an attempt, in milliseconds; 0 when it did not ask.
 * Functions share no resource.
 */
export function cooldownAskedFor({ run }: Task, { code, retryAfterMs = 0 }: TaskError): number {
  const isBusy = code === 'rate_limited' || code === 'overloaded';
  return isBusy && run === undefined ? Math.max(0, retryAfterMs) : 0;
}
