import { Heap } from '@stratagem/core/strategy';
import { type Waiting, WaitList } from './wait-list.js';

/** An entry of a {@link FairQueue}. */
export interface Queued extends Waiting {
  /** The run that it belongs to; those without one share a turn. */
  readonly runId: string | undefined;
  /** How much of the plan waits for it. */
  readonly criticalPath: number;
  readonly priority: number;
  /** Its place by arrival; later ones have higher numbers. */
  readonly arrival: number;
}

/** Each time that a run has had so many turns by urgency, its oldest entry has one. */
const TURNS_BY_URGENCY = 7;

/**
 * A queue that is fair between runs, and takes the most urgent entry within a run: first the longest
 * critical path, then the highest priority, then the first one. Of each eight turns of a run, one goes
 * to its oldest entry, so that none waits for ever.
 *
 * Between runs it is start-time fair queueing: each has one turn in every round, as long as it has
 * entries.
 */
export class FairQueue<T extends Queued> {
  /** Runs with entries. */
  readonly #lanes = new Map<string | undefined, Lane<T>>();
  /**
   * The next round of runs that have had a turn, the latest turn last. It matters until that round has
   * come.
   */
  readonly #rounds = new Map<string | undefined, number>();
  /** The round of the last turn. */
  #round = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(entry: T): void {
    let lane = this.#lanes.get(entry.runId);
    if (lane === undefined) {
      lane = new Lane(Math.max(this.#round, this.#rounds.get(entry.runId) ?? 0));
      this.#lanes.set(entry.runId, lane);
    }
    lane.push(entry);
    this.#size++;
  }

  /** The entry whose turn is next. */
  peek(): T | undefined {
    return this.#nextLane()?.peek();
  }

  /** Removes the entry that `peek` returned, and counts the turn. */
  take(entry: T): void {
    const lane = this.#lanes.get(entry.runId) as Lane<T>;
    this.#round = lane.round;
    lane.round++;
    lane.turns++;
    this.#rounds.delete(entry.runId);
    this.#rounds.set(entry.runId, lane.round);
    this.remove(entry);
    this.#forgetRounds();
  }

  /** Removes an entry without a turn. It must be in this queue. */
  remove(entry: T): void {
    const lane = this.#lanes.get(entry.runId) as Lane<T>;
    lane.remove(entry);
    if (lane.size === 0) this.#lanes.delete(entry.runId);
    this.#size--;
  }

  /** The entries in the order of their turns, as far as that is known: without turns of the oldest. */
  *[Symbol.iterator](): Generator<T> {
    const lanes = [...this.#lanes.values()].sort((a, b) => a.round - b.round);
    const sorted = lanes.map((lane) => [...lane.list].sort(byUrgency));
    const longest = Math.max(0, ...sorted.map(({ length }) => length));
    for (let turn = 0; turn < longest; turn++) {
      for (const entries of sorted) if (turn < entries.length) yield entries[turn] as T;
    }
  }

  /** The entries in any order, which takes no sorting. */
  *unordered(): Generator<T> {
    for (const { list } of this.#lanes.values()) yield* list;
  }

  #nextLane(): Lane<T> | undefined {
    let next: Lane<T> | undefined;
    for (const lane of this.#lanes.values()) {
      if (next === undefined || lane.round < next.round) next = lane;
    }
    return next;
  }

  /** Forgets the runs whose last turn was longest ago: they start like new ones. */
  #forgetRounds(): void {
    for (const runId of this.#rounds.keys()) {
      if (this.#rounds.size <= 2 * this.#lanes.size + 64) return;
      this.#rounds.delete(runId);
    }
  }
}

/** The entries of one run. */
class Lane<T extends Queued> {
  /** By arrival. */
  readonly list = new WaitList<T>();
  round: number;
  turns = 0;
  /** Also has entries that were removed. */
  #heap = new Heap<T>(byUrgency);
  readonly #there = new Set<T>();

  constructor(round: number) {
    this.round = round;
  }

  get size(): number {
    return this.list.size;
  }

  push(entry: T): void {
    this.list.push(entry);
    this.#there.add(entry);
    this.#heap.push(entry);
  }

  remove(entry: T): void {
    this.list.remove(entry);
    this.#there.delete(entry);
    if (this.#heap.size > 2 * this.size + 64) this.#rebuild();
  }

  peek(): T {
    const isForOldest = this.turns % (TURNS_BY_URGENCY + 1) === TURNS_BY_URGENCY;
    if (isForOldest) return this.list.first as T;
    for (;;) {
      const first = this.#heap.peek() as T;
      if (this.#there.has(first)) return first;
      this.#heap.pop();
    }
  }

  #rebuild(): void {
    this.#heap = new Heap<T>(byUrgency);
    for (const entry of this.list) this.#heap.push(entry);
  }
}

function byUrgency(a: Queued, b: Queued): number {
  return b.criticalPath - a.criticalPath || b.priority - a.priority || a.arrival - b.arrival;
}
