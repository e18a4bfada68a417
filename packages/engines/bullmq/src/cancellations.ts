import type { JobStore } from './job-store.js';

/** How long to try: a worker that stands still for longer loses its lock, and cannot end the attempt. */
const TRY_MS = 5 * 60_000;
const AT_ONCE = 16;

interface Entry {
  readonly resource: string | undefined;
  readonly at: number;
  readonly hasEnded: boolean;
}

/** Attempts that are canceled until the queue has them no more: a message or a removal may be lost. */
export class Cancellations {
  readonly #jobs: JobStore;
  readonly #announce: (key: string, hasEnded: boolean) => void;
  readonly #entries = new Map<string, Entry>();
  readonly #removing = new Set<Promise<void>>();

  /** @param announce Tells the workers. */
  constructor(jobs: JobStore, announce: (key: string, hasEnded: boolean) => void) {
    this.#jobs = jobs;
    this.#announce = announce;
  }

  /** @param hasEnded Whether the end of the attempt is recorded, so that nobody wants it any more. */
  add(key: string, resource: string | undefined, now: number, hasEnded = false): void {
    const entry = { resource, at: now, hasEnded };
    this.#entries.set(key, entry);
    this.#announce(key, hasEnded);
    const removing = this.#remove(key, entry).finally(() => this.#removing.delete(removing));
    this.#removing.add(removing);
  }

  /** The attempt is wanted again. */
  delete(key: string): void {
    this.#entries.delete(key);
  }

  async sweep(now: number): Promise<void> {
    let count = 0;
    const work: Promise<void>[] = [];
    for (const [key, entry] of this.#entries) {
      if (now - entry.at > TRY_MS) {
        this.#entries.delete(key);
        continue;
      }
      if (count++ >= AT_ONCE) continue;
      this.#announce(key, entry.hasEnded);
      work.push(this.#remove(key, entry));
    }
    await Promise.all(work);
  }

  /** Waits for what was asked of the queue. */
  async settle(): Promise<void> {
    await Promise.all(this.#removing);
  }

  async #remove(key: string, { resource, hasEnded }: Entry): Promise<void> {
    try {
      if (await this.#jobs.remove(key, resource)) this.#entries.delete(key);
      // Workers that start later have not heard of it.
      else if (hasEnded) await this.#jobs.markEnded(key, resource);
    } catch {
      // The next sweep tries again.
    }
  }
}
