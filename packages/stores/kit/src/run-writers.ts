import type { EventData } from '@stratagem/core';
import {
  journalErrors,
  listingAfter,
  type OpenedRun,
  type RunJournal,
} from '@stratagem/core/journal';
import { recordOf } from './event-record.js';
import { GroupCommit } from './group-commit.js';
import { LeaseKeeper } from './lease-keeper.js';
import type { HeldLease, RunStore, TakenRun } from './run-store.js';

const ENDED: ReadonlySet<string> = new Set(['completed', 'failed', 'canceled']);

/** The writers of the runs whose leases this process holds. */
export class RunWriters {
  readonly #store: RunStore;
  readonly #commits: GroupCommit;
  readonly #leases: LeaseKeeper;
  readonly #writers = new Set<RunWriter>();

  constructor(store: RunStore) {
    this.#store = store;
    this.#commits = new GroupCommit(store);
    this.#leases = new LeaseKeeper(store);
  }

  /** A writer of a run whose lease was taken. */
  open(taken: TakenRun): RunWriter {
    const writer = new RunWriter(taken, {
      ...{ store: this.#store, commits: this.#commits, leases: this.#leases },
      onClose: (closed) => this.#writers.delete(closed),
    });
    this.#writers.add(writer);
    return writer;
  }

  /** A writer of a run whose lease was taken, with its events. The lease is released when they cannot be read. */
  async openWith(
    taken: TakenRun,
    events: AsyncIterable<EventData>,
  ): Promise<OpenedRun & RunWriter> {
    const writer = this.open(taken);
    try {
      const list: EventData[] = [];
      for await (const event of events) list.push(event);
      return Object.assign(writer, { events: list });
    } catch (error) {
      await writer.close();
      throw error;
    }
  }

  /** Releases all leases. */
  async close(): Promise<void> {
    this.#leases.close();
    await Promise.all([...this.#writers].map((writer) => writer.close()));
  }
}

interface WriterParts {
  readonly store: RunStore;
  readonly commits: GroupCommit;
  readonly leases: LeaseKeeper;
  readonly onClose: (writer: RunWriter) => void;
}

/** Appends to a run while it holds the lease. */
export class RunWriter implements RunJournal {
  readonly runId: string;
  readonly #parts: WriterParts;
  readonly #lease: HeldLease;
  #taken: TakenRun;
  #isOpen = true;
  #pending: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(taken: TakenRun, parts: WriterParts) {
    const { run, token, summary } = taken;
    this.runId = summary.id;
    this.#lease = { runId: summary.id, run, token };
    this.#taken = taken;
    this.#parts = parts;
    parts.leases.keep(this.#lease);
  }

  append(events: readonly EventData[]): void | Promise<void> {
    if (!this.#isOpen) throw journalErrors.closed(this.runId);
    if (events.length === 0) return;
    const { events: first, summary: before } = this.#taken;
    const summary = events.reduce(listingAfter, before);
    const appended = this.#parts.commits.commit({
      ...{ ...this.#lease, first },
      // As text: the caller may change the events as soon as this returns.
      records: events.map(recordOf),
      summary: JSON.stringify(summary),
      hasEnded: ENDED.has(summary.status),
    });
    this.#pending = appended.then(() => {
      this.#taken = { ...this.#taken, events: first + events.length, summary };
    });
    return this.#pending;
  }

  /** Releases the lease once pending appends have ended. */
  close(): Promise<void> {
    return this.release(undefined);
  }

  /** Releases the lease, and keeps the run from being claimed for a while. */
  release(postponeMs: number | undefined): Promise<void> {
    this.#closed ??= this.#release(postponeMs);
    return this.#closed;
  }

  async #release(postponeMs: number | undefined): Promise<void> {
    this.#isOpen = false;
    await this.#pending?.catch(() => {});
    const { store, leases, onClose } = this.#parts;
    leases.release(this.#lease);
    // One that cannot be released expires.
    await store.release(this.#lease, postponeMs).catch(() => {});
    onClose(this);
  }
}
