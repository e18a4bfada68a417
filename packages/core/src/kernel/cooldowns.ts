import type { TaskError } from '../contract/errors.js';
import { isRefusal } from '../contract/retry.js';
import { asksModel, type Task } from '../contract/task.js';
import { Heap } from '../util/heap.js';

/**
 * Resources whose server asked clients to wait, and the tasks that were chosen for a closed resource.
 * When it opens, those tasks start first, in the order in which they were chosen. Nobody knows yet how
 * many the server takes, and a flood of requests would be refused again. So one starts, and one more may
 * be in flight at once after each answer, and after each wait as long as the server asked for. Each
 * call takes O(log n) for n waiting tasks and resources.
 */
export class Cooldowns {
  /** When the cooldown of each resource ends, as Unix time in milliseconds. */
  readonly #until = new Map<string, number>();
  readonly #trials = new Map<string, Trial>();
  /** Also holds superseded ends, which are earlier than the current end. */
  readonly #ends = new Heap<End>((a, b) => a.until - b.until);
  readonly #lines = new Map<string, Line>();
  /** Lines whose resource is free. A new cooldown leaves its line here until `unpark` finds it. */
  readonly #free = new Heap<Line>((a, b) => orderOf(a) - orderOf(b));
  /** Lines that were found closed for want of places, which may be free at the next look. */
  #held: Line[] = [];
  #order = 0;

  /** Whether a server has asked to wait, or a task that was held back has yet to start. */
  get isActive(): boolean {
    return this.#trials.size > 0 || this.#lines.size > 0;
  }

  /** When the next resource opens; Infinity without one that will. */
  get next(): number {
    let first = this.#ends.peek();
    while (first !== undefined && this.#opensAt(first.resource) !== first.until) {
      this.#ends.pop();
      first = this.#ends.peek();
    }
    return first?.until ?? Number.POSITIVE_INFINITY;
  }

  #opensAt(resource: string): number | undefined {
    return this.#until.get(resource) ?? this.#trials.get(resource)?.nextAt;
  }

  /**
   * @param pauseMs How long the server asked to wait.
   * @returns Whether this extends the cooldown of the resource.
   */
  begin(resource: string, until: number, pauseMs: number): boolean {
    if (until <= (this.#until.get(resource) ?? Number.NEGATIVE_INFINITY)) return false;
    this.#until.set(resource, until);
    this.#ends.push({ resource, until });
    const inFlight = this.#trials.get(resource)?.inFlight ?? new Set();
    this.#trials.set(resource, { inFlight, places: 1, pauseMs, nextAt: undefined });
    return true;
  }

  /** Opens the resources whose time has come. */
  expire(now: number): void {
    while (this.next <= now) {
      const { resource } = this.#ends.pop() as End;
      const trial = this.#trials.get(resource);
      this.#until.delete(resource);
      if (trial !== undefined) {
        trial.places = trial.inFlight.size + 1;
        trial.nextAt = undefined;
      }
      this.#release(resource);
    }
  }

  /** Whether no attempt may start: the resource is in a cooldown, or has as many on trial as it may. */
  has(resource: string): boolean {
    if (this.#until.has(resource)) return true;
    const trial = this.#trials.get(resource);
    return trial !== undefined && trial.inFlight.size >= trial.places;
  }

  /** An attempt has begun. */
  started(resource: string, index: number, now: number): void {
    const trial = this.#trials.get(resource);
    if (trial === undefined) return;
    trial.inFlight.add(index);
    if (trial.inFlight.size < trial.places) return;
    trial.nextAt = now + trial.pauseMs;
    this.#ends.push({ resource, until: trial.nextAt });
  }

  /** An attempt has ended. When the server has answered it, one more may be in flight. */
  settled(resource: string, index: number, isAnswered: boolean, now: number): void {
    const trial = this.#trials.get(resource);
    if (trial === undefined) return;
    trial.inFlight.delete(index);
    this.expire(now);
    if (isAnswered && !this.#until.has(resource)) trial.places++;
    this.#release(resource);
  }

  #release(resource: string): void {
    const line = this.#lines.get(resource);
    if (line === undefined || line.isFree || this.has(resource)) return;
    line.isFree = true;
    this.#free.push(line);
  }

  /** Holds a chosen task until its resource is free. */
  park(index: number, resource: string): void {
    let line = this.#lines.get(resource);
    if (line === undefined) {
      line = { resource, parked: [], first: 0, isFree: false };
      this.#lines.set(resource, line);
      if (!this.has(resource)) this.#held.push(line);
    }
    line.parked.push({ index, order: this.#order++ });
  }

  /** Whether a task was held back and has yet to start. */
  get hasParked(): boolean {
    return this.#lines.size > 0;
  }

  /** Places may have become free at resources that had none. */
  retryHeld(): void {
    if (this.#held.length === 0) return;
    for (const line of this.#held.splice(0)) this.#release(line.resource);
  }

  /** Removes and returns the first parked task whose resource is free. */
  unpark(closed: ResourceSet): number | undefined {
    for (let line = this.#free.pop(); line !== undefined; line = this.#free.pop()) {
      if (closed.has(line.resource)) {
        // When the cooldown or the trial that began has ended, the line is free again.
        line.isFree = false;
        if (!this.has(line.resource)) this.#held.push(line);
        continue;
      }
      const { index } = line.parked[line.first++] as Parked;
      if (line.first < line.parked.length) this.#free.push(line);
      else this.#lines.delete(line.resource);
      return index;
    }
    return undefined;
  }

  /** Drops the parked tasks: the run has stopped. */
  clear(): void {
    this.#lines.clear();
    this.#held = [];
    while (this.#free.pop() !== undefined);
  }
}

/** Resources at which nothing may start. */
export interface ResourceSet {
  has(resource: string): boolean;
}

interface End {
  readonly resource: string;
  readonly until: number;
}

/** A resource whose server has asked clients to wait. */
interface Trial {
  /** The attempts in flight that began since. */
  readonly inFlight: Set<number>;
  /** How many may be in flight. */
  places: number;
  /** How long the server asked to wait. */
  readonly pauseMs: number;
  /** When one more may be in flight, where as many are as may be. */
  nextAt: number | undefined;
}

interface Parked {
  readonly index: number;
  readonly order: number;
}

/** The queue of tasks that wait for one resource; never empty while it is in use. */
interface Line {
  readonly resource: string;
  readonly parked: Parked[];
  /** Position of the first task that still waits. */
  first: number;
  /** Whether the line is in the heap of free lines. */
  isFree: boolean;
}

function orderOf({ parked, first }: Line): number {
  return (parked[first] as Parked).order;
}

/**
 * How long a server that refused an attempt asked clients to wait, in milliseconds; 0 when it did not
 * ask. Functions share no resource, and a tool may call a different server each time.
 */
export function cooldownAskedFor(task: Task, error: TaskError): number {
  return asksModel(task) && isRefusal(error) ? (error.retryAfterMs as number) : 0;
}
