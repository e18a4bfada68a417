import type { EventData } from '@stratagem/core';
import { journalErrors, listingAfter, type RunJournal } from '@stratagem/core/journal';
import type { JournalFile } from './journal-file.js';
import type { Lease } from './leases.js';
import { writeEvent } from './records.js';
import { type KnownRun, updateRun } from './runs.js';

/** Appends to a run while it holds the lease. */
export class RunWriter implements RunJournal {
  readonly runId: string;
  readonly #file: JournalFile;
  readonly #lease: Lease;
  readonly #onClose: () => void;
  #known: KnownRun;
  #isOpen = true;
  #pending: Promise<void> | undefined;

  constructor(file: JournalFile, known: KnownRun, lease: Lease, onClose: () => void) {
    this.runId = known.summary.id;
    this.#file = file;
    this.#known = known;
    this.#lease = lease;
    this.#onClose = onClose;
  }

  append(events: readonly EventData[]): void | Promise<void> {
    if (!this.#isOpen) throw journalErrors.closed(this.runId);
    if (events.length === 0) return;
    const { database, durability } = this.#file;
    const known = {
      run: this.#known.run,
      events: this.#known.events + events.length,
      summary: events.reduce(listingAfter, this.#known.summary),
    };
    this.#file.guard(() =>
      database.transaction(() => {
        this.#file.requireUnmoved();
        this.#lease.check();
        let position = this.#known.events;
        for (const event of events) writeEvent(database, known.run, position++, event);
        updateRun(database, known);
      }),
    );
    this.#known = known;
    if (durability === 'full') return this.#acknowledge(known);
  }

  /** Releases the lease once pending appends have ended. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#pending?.catch(() => {});
    this.#lease.release();
    this.#onClose();
  }

  #acknowledge({ run, events }: KnownRun): Promise<void> {
    this.#pending = this.#file.guardAsync(async () => {
      await this.#file.database.sync();
      this.#file.acks.setCount(run, events);
    });
    return this.#pending;
  }
}
