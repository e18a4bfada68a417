import type { ResourceLimits } from '../contract/resource-limit.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Loan } from '../kernel/places.js';

/** The places that count against `maxParallel`, among the names of resources. */
const GENERAL = Symbol('general');

type Kind = string | typeof GENERAL;

/**
 * The places of an executor, which its runs share. While a single run wants more, it takes what is
 * free. While several do, each start takes a turn, and the turn goes to the run with the smallest
 * share: the largest part that it holds of any kind of place (dominant resource fairness). So a run
 * that arrives late gets its share as attempts of the others end, and no run starves.
 *
 * It decides by counts alone, so the same inputs in the same order give the same turns.
 */
export class SharedPlaces {
  readonly separate: ReadonlySet<string>;
  readonly #caps: ReadonlyMap<Kind, number>;
  /** How many places of each kind are taken, or may be taken in a turn that was given. */
  readonly #claimed = new Map<Kind, number>();
  /** The runs that want more places; among equals, the first one has waited longest for a turn. */
  readonly #hungry = new Set<Borrower>();

  constructor(maxParallel: number, resources: ResourceLimits = {}) {
    const limits = Object.entries(resources);
    this.#caps = new Map<Kind, number>([
      [GENERAL, maxParallel],
      ...limits.map(([name, limit]) => [name, limit.maxParallel] as const),
    ]);
    this.separate = new Set(limits.flatMap(([name, { separate }]) => (separate ? name : [])));
  }

  get kinds(): Iterable<Kind> {
    return this.#caps.keys();
  }

  freeOf(kind: Kind): number {
    return (this.#caps.get(kind) as number) - (this.#claimed.get(kind) ?? 0);
  }

  claim(kind: Kind, count: number): void {
    this.#claimed.set(kind, (this.#claimed.get(kind) ?? 0) + count);
  }

  setHungry(borrower: Borrower, isHungry: boolean): void {
    if (isHungry) this.#hungry.add(borrower);
    else this.#hungry.delete(borrower);
  }

  /** Whether another run waits for places. */
  isContested(borrower: Borrower): boolean {
    return this.#hungry.size > (this.#hungry.has(borrower) ? 1 : 0);
  }

  /** Gives turns while there are free places and runs that may have a use for them. */
  giveTurns(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      this.#hungry.delete(next);
      this.#hungry.add(next);
      next.takeTurn();
    }
  }

  #next(): Borrower | undefined {
    let next: Borrower | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const borrower of this.#hungry) {
      if (!borrower.hasUse) continue;
      const share = this.#shareOf(borrower);
      if (share >= least) continue;
      least = share;
      next = borrower;
    }
    return next;
  }

  #shareOf(borrower: Borrower): number {
    let share = 0;
    for (const [kind, cap] of this.#caps) share = Math.max(share, borrower.heldOf(kind) / cap);
    return share;
  }
}

/** One run among those that share places. */
export class Borrower {
  readonly #places: SharedPlaces;
  /** Has the run apply an input with the loan of a turn. */
  readonly #offer: () => void;
  readonly #held = new Map<Kind, number>();
  /** Whether a turn was given that the run has not used yet. */
  #hasTurn = false;
  /** Whether the loan is that of a turn. */
  #isTurn = false;
  /** The kinds of place that were missing in its last turn, in which it started nothing. */
  #missing: readonly Kind[] | undefined;
  #startedBefore = 0;

  constructor(places: SharedPlaces, offer: () => void) {
    this.#places = places;
    this.#offer = offer;
  }

  heldOf(kind: Kind): number {
    return this.#held.get(kind) ?? 0;
  }

  /** Whether a turn now may let it start something. */
  get hasUse(): boolean {
    if (this.#hasTurn) return false;
    const wanted = this.#missing ?? [GENERAL, ...this.#places.separate];
    return wanted.some((kind) => this.#hasRoom(kind));
  }

  takeTurn(): void {
    this.#setTurn(true);
    this.#offer();
  }

  /** What the run may start in its next step. While others wait, it starts nothing out of turn. */
  loan(isTurn: boolean): Loan {
    this.#isTurn = isTurn;
    if (isTurn) this.#setTurn(false);
    const resources = new Map<string, number>();
    let maxParallel = Number.POSITIVE_INFINITY;
    for (const kind of this.#places.kinds) {
      const most = this.heldOf(kind) + Math.max(0, this.#places.freeOf(kind));
      if (kind === GENERAL) maxParallel = most;
      else resources.set(kind, most);
    }
    const isContested = this.#places.isContested(this);
    const starts = isContested ? (isTurn ? 1 : 0) : Number.POSITIVE_INFINITY;
    return { starts, maxParallel, resources, separate: this.#places.separate };
  }

  /**
   * The step with the last loan is done.
   *
   * @param isNews Whether other tasks may be ready than before.
   */
  settle(kernel: Kernel, isNews: boolean): void {
    this.#count(kernel);
    const { attempts } = kernel.state;
    const isPassed = this.#isTurn && attempts === this.#startedBefore;
    this.#startedBefore = attempts;
    if (isPassed) this.#missing = [...this.#places.kinds].filter((kind) => !this.#hasRoom(kind));
    else if (isNews) this.#missing = undefined;
    this.#places.setHungry(this, kernel.isHeldBack);
    this.#places.giveTurns();
    kernel.waitForPlaces(kernel.isHeldBack && !this.#hasTurn);
  }

  #hasRoom(kind: Kind): boolean {
    return this.#places.freeOf(kind) > 0;
  }

  #count(kernel: Kernel): void {
    let general = kernel.state.running;
    for (const kind of this.#places.kinds) {
      if (kind === GENERAL) continue;
      const count = kernel.inFlightAt(kind);
      if (this.#places.separate.has(kind)) general -= count;
      this.#hold(kind, count);
    }
    this.#hold(GENERAL, general);
  }

  #hold(kind: Kind, count: number): void {
    const before = this.heldOf(kind);
    if (before === count) return;
    this.#held.set(kind, count);
    this.#places.claim(kind, count - before);
  }

  #setTurn(hasTurn: boolean): void {
    if (this.#hasTurn === hasTurn) return;
    this.#hasTurn = hasTurn;
    for (const kind of this.#places.kinds) this.#places.claim(kind, hasTurn ? 1 : -1);
  }

  /** The run is over. */
  leave(): void {
    this.#setTurn(false);
    for (const kind of this.#places.kinds) this.#hold(kind, 0);
    this.#places.setHungry(this, false);
    this.#places.giveTurns();
  }
}
