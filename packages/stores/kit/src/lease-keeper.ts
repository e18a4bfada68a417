import type { HeldLease, RunStore } from './run-store.js';

const MAX_TIMER_MS = 2 ** 31 - 1;
const MAX_RENEWALS = 2;

/** Renews the leases of this process, all at once, three times in their duration. */
export class LeaseKeeper {
  readonly #store: RunStore;
  readonly #leases = new Map<number, HeldLease>();
  readonly #timer: NodeJS.Timeout;
  /** Renewals under way. One that hangs must not hold up the next one. */
  #renewals = 0;

  constructor(store: RunStore) {
    this.#store = store;
    this.#timer = setInterval(() => void this.#renew(), Math.min(store.leaseMs / 3, MAX_TIMER_MS));
    this.#timer.unref();
  }

  keep(lease: HeldLease): void {
    this.#leases.set(lease.run, lease);
  }

  release({ run, token }: HeldLease): void {
    if (this.#leases.get(run)?.token === token) this.#leases.delete(run);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #renew(): Promise<void> {
    if (this.#renewals >= MAX_RENEWALS || this.#leases.size === 0) return;
    this.#renewals++;
    try {
      await this.#store.renew([...this.#leases.values()]);
    } catch {
      // Two more renewals are due before it expires, and each append checks the lease.
    } finally {
      this.#renewals--;
    }
  }
}
