import { takenOverError } from './owner.js';
import type { Append, RunStore } from './run-store.js';

interface Pending extends Append {
  readonly size: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Appends under way at once; what comes meanwhile shares the next one. */
const MAX_COMMITS = 2;
/** About how long the texts of one of them may be. */
const MAX_SIZE = 2 ** 24;

/** Appends events, those of several runs together. */
export class GroupCommit {
  readonly #store: RunStore;
  #pending: Pending[] = [];
  #commits = 0;
  #isScheduled = false;

  constructor(store: RunStore) {
    this.#store = store;
  }

  /** Rejects with `run_locked` when the lease was lost. */
  commit(append: Append): Promise<void> {
    const size = append.records.reduce((sum, record) => sum + record.size, append.summary.length);
    return new Promise((resolve, reject) => {
      this.#pending.push({ ...append, size, resolve, reject });
      this.#schedule();
    });
  }

  /** Starts after this turn, so that runs that append together share it. */
  #schedule(): void {
    if (this.#isScheduled || this.#commits >= MAX_COMMITS || this.#pending.length === 0) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      const batch = this.#takeBatch();
      this.#commits++;
      void this.#commitAll(batch).finally(() => {
        this.#commits--;
        this.#schedule();
      });
      this.#schedule();
    });
  }

  #takeBatch(): Pending[] {
    let size = 0;
    const first = this.#pending.findIndex((each, index) => {
      size += each.size;
      return index > 0 && size > MAX_SIZE;
    });
    const count = first < 0 ? this.#pending.length : first;
    const batch = this.#pending.slice(0, count);
    this.#pending = this.#pending.slice(count);
    return batch;
  }

  async #commitAll(batch: readonly Pending[]): Promise<void> {
    const store = this.#store;
    try {
      const stored = await store.append(batch);
      for (const [index, { runId, resolve, reject }] of batch.entries()) {
        if (stored[index]) resolve();
        else reject(takenOverError(runId, store.leaseMs));
      }
    } catch (error) {
      // The fault of one run, such as a value that the server refuses, must not end the others.
      const isShared = store.concernsAll(error) || !store.isOpen;
      if (batch.length === 1 || isShared) for (const { reject } of batch) reject(error);
      else for (const each of batch) await this.#commitAll([each]);
    }
  }
}
