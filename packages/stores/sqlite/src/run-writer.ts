import type { EventData } from '@stratagem/core';
import { journalErrors, listingAfter, type RunJournal } from '@stratagem/core/journal';
import { isBusy, whileBusy } from './busy.js';
import type { JournalFile } from './journal-file.js';
import type { Lease } from './leases.js';
import { EventRecord } from './records.js';
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

  append(events: readonly EventData[], onWritten?: () => void): void | Promise<void> {
    if (!this.#isOpen) throw journalErrors.closed(this.runId);
    if (events.length === 0) return;
    const { run, events: first, summary } = this.#known;
    const known = {
      run,
      events: first + events.length,
      summary: events.reduce(listingAfter, summary),
    };
    // The caller may change the events as soon as this returns.
    const records = events.map((event, index) => new EventRecord(run, first + index, event));
    if (records.some(({ isLarge }) => isLarge)) return this.#writeLater(known, records, onWritten);
    try {
      this.#write(known, records);
    } catch (thrown) {
      if (isBusy(thrown)) return this.#writeLater(known, records, onWritten);
      this.#file.guard(() => {
        throw thrown;
      });
    }
    if (this.#file.durability !== 'full') return;
    const acknowledged = this.#whilePending(this.#acknowledge());
    onWritten?.();
    return acknowledged;
  }

  /** Releases the lease once pending appends have ended. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#pending?.catch(() => {});
    await this.#lease.release();
    this.#onClose();
  }

  #write(known: KnownRun, records: readonly EventRecord[]): void {
    const { database } = this.#file;
    database.transaction(() => {
      this.#file.requireUnmoved();
      this.#lease.check();
      for (const record of records) record.write(database);
      updateRun(database, known);
    }, lengthOf(records));
    this.#known = known;
  }

  #writeLater(
    known: KnownRun,
    records: readonly EventRecord[],
    onWritten: (() => void) | undefined,
  ): Promise<void> {
    return this.#whilePending(
      this.#file.guardAsync(async () => {
        for (const record of records) {
          if (!record.isLarge) continue;
          this.#file.requireUnmoved();
          await record.writeContent(this.#file.database.thread);
        }
        await whileBusy(() => this.#write(known, records));
        if (this.#file.durability !== 'full') return;
        const acknowledged = this.#acknowledge();
        onWritten?.();
        await acknowledged;
      }),
    );
  }

  #whilePending(work: Promise<void>): Promise<void> {
    this.#pending = work;
    return work;
  }

  #acknowledge(): Promise<void> {
    const { run, events } = this.#known;
    return this.#file.guardAsync(async () => {
      await this.#file.database.sync();
      this.#file.acks.setCount(run, events);
    });
  }
}

function lengthOf(records: readonly EventRecord[]): number {
  return records.reduce((sum, { length }) => sum + length, 0);
}
