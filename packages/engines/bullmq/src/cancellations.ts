import type { JobStore } from './job-store.js';

/** How long to try: a worker that stands still for longer loses its lock, and cannot end the attempt. */
const TRY_MS = 5 * 60_000;
const AT_ONCE = 16;

/** Attempts that are canceled until the queue has them no more: a message or a removal may be lost. */
export class Cancellations {
  readonly #jobs: JobStore;
  readonly #announce: (key: string) => void;
  readonly #entries = new Map<
    string,
    { readonly resource: string | undefined; readonly at: number }
  >();
  readonly #removing = new Set<Promise<void>>();

  /** @param announce Tells the workers. */
  constructor(jobs: JobStore, announce: (key: string) => void) {
    this.#jobs = jobs;
    this.#announce = announce;
  }

  add(key: string, resource: string | undefined, now: number): void {
    this.#entries.set(key, { resource, at: now });
    this.#announce(key);
    const removing = this.#remove(key, resource).finally(() => this.#removing.delete(removing));
    this.#removing.add(removing);
  }

  /** The attempt is wanted again. */
  delete(key: string): void {
    this.#entries.delete(key);
  }

  async sweep(now: number): Promise<void> {
    let count = 0;
    const work: Promise<void>[] = [];
    for (const [key, { resource, at }] of this.#entries) {
      if (now - at > TRY_MS) {
        this.#entries.delete(key);
        continue;
      }
      if (count++ >= AT_ONCE) continue;
      this.#announce(key);
      work.push(this.#remove(key, resource));
    }
    await Promise.all(work);
  }

  /** Waits for what was asked of the queue. */
  async settle(): Promise<void> {
    await Promise.all(this.#removing);
  }

  async #remove(key: string, resource: string | undefined): Promise<void> {
    try {
      if (await this.#jobs.remove(key, resource)) this.#entries.delete(key);
    } catch {
      // The next sweep tries again.
    }
  }
}
