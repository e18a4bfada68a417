import type { HeldLease, RunStore } from './run-store.js';

const MAX_TIMER_MS = 2 ** 31 - 1;
/** The duration of a lease, divided by the time between renewals, and by that of one of them. */
const RENEWALS = 3;
/** Renewals are shorter than the time between them: the next one finds another connection. */
const LIMITS = 4;

/** Renews the leases of this process, all at once, three times in their duration. */
export class LeaseKeeper {
  readonly #store: RunStore;
  readonly #leases = new Map<number, HeldLease>();
  readonly #timer: NodeJS.Timeout;
  #isRenewing = false;

  constructor(store: RunStore) {
    this.#store = store;
    this.#timer = setInterval(
      () => void this.#renew(),
      Math.min(store.leaseMs / RENEWALS, MAX_TIMER_MS),
    );
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
    if (this.#isRenewing || this.#leases.size === 0) return;
    this.#isRenewing = true;
    try {
      await this.#store.renew([...this.#leases.values()], this.#store.leaseMs / LIMITS);
    } catch {
      // Another renewal is due before it expires, and each append checks the lease.
    } finally {
      this.#isRenewing = false;
    }
  }
}
