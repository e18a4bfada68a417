import type { ResourceLimits } from '../contract/resource-limit.js';
import type { InFlight } from '../state/in-flight.js';
import type { RunState } from '../state/run-state.js';

/**
 * What a driver lends to a run that shares places with others. A run without a loan is limited by its
 * own options alone.
 */
export interface Loan {
  /** How many attempts may start before the next loan. */
  readonly starts: number;
  /** How many attempts of the run may be in flight, apart from those at separate resources. */
  readonly maxParallel: number;
  /** By resource, how many attempts of the run may be in flight there. */
  readonly resources: ReadonlyMap<string, number>;
  /** Resources whose attempts do not count against `maxParallel` of the loan. */
  readonly separate: ReadonlySet<string>;
}

/** Which resources of a run have a free place. */
export class Places {
  /** Resources with a cap of their own. */
  readonly capped: ReadonlySet<string>;
  readonly #state: RunState;
  readonly #inFlight: InFlight;
  readonly #caps: ReadonlyMap<string, number>;
  readonly #separate: ReadonlySet<string>;
  #loan: Loan | undefined;
  /** The attempts that the loan lets start. */
  #starts = Number.POSITIVE_INFINITY;

  constructor(
    state: RunState,
    inFlight: InFlight,
    resources: ResourceLimits,
    shared: Loan | undefined,
  ) {
    const limits = Object.entries(resources);
    this.#state = state;
    this.#inFlight = inFlight;
    this.#caps = new Map(limits.map(([name, { maxParallel }]) => [name, maxParallel]));
    this.#separate = new Set(limits.flatMap(([name, { separate }]) => (separate ? name : [])));
    this.capped = new Set([...this.#caps.keys(), ...(shared?.resources.keys() ?? [])]);
    if (shared !== undefined) this.lend(shared);
  }

  lend(loan: Loan): void {
    this.#loan = loan;
    this.#starts = loan.starts;
  }

  /** An attempt has started. */
  started(): void {
    this.#starts--;
  }

  /** Whether an attempt may start at some resource. */
  get hasRoom(): boolean {
    if (this.#starts <= 0) return false;
    if (!this.#isFullWithout(this.#separate) && !this.#isLoanFull()) return true;
    for (const resource of this.capped) if (!this.isFull(resource)) return true;
    return false;
  }

  isFull(resource: string): boolean {
    const inFlight = this.#inFlight.at(resource);
    if (this.#starts <= 0 || inFlight >= (this.#caps.get(resource) ?? Number.POSITIVE_INFINITY)) {
      return true;
    }
    if (!this.#separate.has(resource) && this.#isFullWithout(this.#separate)) return true;
    const loan = this.#loan;
    if (loan === undefined) return false;
    if (inFlight >= (loan.resources.get(resource) ?? Number.POSITIVE_INFINITY)) return true;
    return !loan.separate.has(resource) && this.#isLoanFull();
  }

  /** Whether the options of the run alone keep everything from starting. */
  get isFullByItself(): boolean {
    return this.#separate.size === 0 && this.#isFullWithout(this.#separate);
  }

  /** Whether the loan, and not the options of the run, may be all that holds attempts back. */
  get isLoanSpent(): boolean {
    const loan = this.#loan;
    if (loan === undefined) return false;
    if (this.#starts <= 0 || this.#isLoanFull()) return true;
    for (const [resource, limit] of loan.resources) {
      if (this.#inFlight.at(resource) >= limit) return true;
    }
    return false;
  }

  #isFullWithout(separate: ReadonlySet<string>): boolean {
    return this.#countWithout(separate) >= (this.#state.maxParallel as number);
  }

  #isLoanFull(): boolean {
    const loan = this.#loan;
    return loan !== undefined && this.#countWithout(loan.separate) >= loan.maxParallel;
  }

  /** The attempts in flight, apart from those at these resources. */
  #countWithout(separate: ReadonlySet<string>): number {
    let count = this.#state.running;
    for (const resource of separate) count -= this.#inFlight.at(resource);
    return count;
  }
}
