import type { Estimate } from '../contract/task.js';
import type { SpendingData, Usage } from '../contract/usage.js';
import { BudgetLedger } from './budget-ledger.js';
import { Spending } from './spending.js';

/** What the attempts at one resource have used, and what is set aside for those in flight. */
export interface ResourceLedger {
  readonly spending: Spending;
  readonly budget: BudgetLedger;
}

/** The accounts of single resources: of those with a budget, or of all. */
export class ResourceLedgers {
  readonly #ledgers = new Map<string, ResourceLedger>();
  readonly #hasAll: boolean;
  /** The accounts of the attempts in flight. */
  readonly #inFlight = new Map<number, ResourceLedger>();

  constructor(resources: Iterable<string> | 'all') {
    this.#hasAll = resources === 'all';
    if (resources === 'all') return;
    for (const resource of resources) this.#open(resource);
  }

  /** Undefined for a resource without an account. */
  of(resource: string): ResourceLedger | undefined {
    return this.#ledgers.get(resource);
  }

  /** Continues from the spending of an earlier part of the run. */
  begin(spent: SpendingData['resources'] = {}): void {
    for (const [resource, amounts] of Object.entries(spent)) {
      const ledger = this.of(resource) ?? (this.#hasAll ? this.#open(resource) : undefined);
      ledger?.spending.begin(amounts);
    }
  }

  /** An attempt starts at a resource. */
  reserve(resource: string, index: number, estimate: Estimate | undefined): void {
    const ledger = this.of(resource) ?? (this.#hasAll ? this.#open(resource) : undefined);
    if (ledger === undefined) return;
    ledger.budget.reserve(index, estimate, false);
    this.#inFlight.set(index, ledger);
  }

  /** The attempt in flight says what it used. */
  spend(index: number, usage: Usage | undefined, costUsd: number | undefined): void {
    this.#inFlight.get(index)?.spending.add(usage, costUsd);
  }

  /** The attempt in flight has ended; see `BudgetLedger.release`. */
  release(index: number, isMeasure: boolean): void {
    const ledger = this.#inFlight.get(index);
    if (ledger === undefined) return;
    this.#inFlight.delete(index);
    ledger.budget.release(index, isMeasure);
  }

  /** What the attempts at each resource have used. */
  get data(): NonNullable<SpendingData['resources']> {
    const entries = [...this.#ledgers].map(([name, { spending }]) => [name, spending.data]);
    return Object.fromEntries(entries);
  }

  #open(resource: string): ResourceLedger {
    const spending = new Spending();
    const ledger = { spending, budget: new BudgetLedger(spending) };
    this.#ledgers.set(resource, ledger);
    return ledger;
  }

  /** What it keeps to itself, for tests that compare two states. */
  get internals(): Readonly<Record<string, unknown>> {
    const names = new Map([...this.#ledgers].map(([name, ledger]) => [ledger, name]));
    const accounts = [...this.#ledgers].map(([name, { spending, budget }]) => {
      const { data, largest } = spending;
      return [name, { ...data, largest: { ...largest }, ...budget.internals }] as const;
    });
    const inFlight = [...this.#inFlight].map(([index, ledger]) => [index, names.get(ledger)]);
    return { accounts: new Map(accounts), inFlight: new Map(inFlight as [number, string][]) };
  }
}
