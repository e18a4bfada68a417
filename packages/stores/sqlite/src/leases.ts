import { randomUUID } from 'node:crypto';
import { JournalError } from '@stratagem/core';
import { heldError, isAlive, machine } from '@stratagem/store-kit';
import { whileBusy } from './busy.js';
import type { Database } from './database.js';

interface Row {
  /** A random id and the length of the lease in milliseconds. */
  readonly owner: string;
  readonly machine: string;
  readonly pid: number;
  /** By the clock of the owner. */
  readonly expires_at: number;
}

/** The longest delay a timer accepts. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Owners in this process. */
const owners = new Set<string>();

/** The exclusive right to append to a run. It expires unless its owner renews it. */
export interface Lease {
  /**
   * Checks the lease; to be called in the transaction that appends.
   *
   * @throws {JournalError} `run_locked` when another process has taken the run over.
   */
  check(): void;
  /** Never rejects: a lease that cannot be released expires. */
  release(): Promise<void>;
}

/** A lease that a process holds, at the time it was looked at. */
export interface Holder {
  /** Changes with each renewal. */
  readonly stamp: string;
  /** The error for others who want the run. */
  readonly error: JournalError;
  /**
   * Whether its time is over by the clock of this process, although its process lives. One of the
   * clocks may be wrong, so that only a missed renewal tells whether the process still works.
   */
  readonly isDoubtful: boolean;
}

/** The leases of a journal, as this process knows them. */
export class Leases {
  readonly #database: Database;
  readonly #leaseMs: number;
  /** When each lease was first seen as it is now, by the clock of this process that nobody sets. */
  readonly #seen = new Map<number, { readonly row: Row; readonly since: number }>();

  constructor(database: Database, leaseMs: number) {
    this.#database = database;
    this.#leaseMs = leaseMs;
  }

  /**
   * Takes the lease of a run that nobody holds; to be called in the transaction that found that out.
   *
   * @param run The number of the run in the file.
   */
  take(run: number, runId: string): Lease {
    const [database, leaseMs] = [this.#database, this.#leaseMs];
    const owner = `${randomUUID()} ${leaseMs}`;
    database
      .statement('INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?)')
      .run(run, owner, machine, process.pid, Date.now() + leaseMs);
    owners.add(owner);
    const renew = () => {
      if (!owners.has(owner)) return;
      database
        .statement('UPDATE leases SET expires_at = ? WHERE run = ? AND owner = ?')
        .run(Date.now() + leaseMs, run, owner);
    };
    const timer = setInterval(
      () => {
        // Two more renewals are due before it expires, and `check` notices a lost lease.
        whileBusy(renew).catch(() => {});
      },
      Math.min(leaseMs / 3, MAX_TIMER_MS),
    );
    timer.unref();
    return {
      check: () => {
        if (this.#rowOf(run)?.owner === owner) return;
        const message = `Run "${runId}" was taken over by another process, because this one was suspended for ${leaseMs} ms or more`;
        throw new JournalError('run_locked', message, { runId });
      },
      async release() {
        clearInterval(timer);
        owners.delete(owner);
        const remove = () =>
          database.statement('DELETE FROM leases WHERE run = ? AND owner = ?').run(run, owner);
        await whileBusy(remove).catch(() => {});
      },
    };
  }

  /** Who holds the lease of the run; undefined when it is free. */
  holderOf(run: number, runId: string): Holder | undefined {
    const row = this.#rowOf(run);
    if (row === undefined) {
      this.#seen.delete(run);
      return undefined;
    }
    const leaseMs = Number(row.owner.split(' ')[1] ?? this.#leaseMs);
    const remainingMs = row.expires_at - Date.now();
    const isHere = row.machine === machine;
    if (isHere ? !this.#mayLive(run, row, leaseMs) : remainingMs <= 0) return undefined;
    const isPlausible = remainingMs > 0 && remainingMs <= leaseMs;
    return {
      stamp: `${row.owner} ${row.expires_at}`,
      error: heldError(runId, row.machine, row.pid, isPlausible ? remainingMs : leaseMs),
      isDoubtful: isHere && !isPlausible && !owners.has(row.owner),
    };
  }

  /** Whether the process of a lease on this machine exists, and has renewed it in time. */
  #mayLive(run: number, row: Row, leaseMs: number): boolean {
    if (owners.has(row.owner)) return true;
    if (!isAlive(row.pid)) return false;
    const now = performance.now();
    const seen = this.#seen.get(run);
    if (seen?.row.owner === row.owner && seen.row.expires_at === row.expires_at) {
      return now - seen.since < leaseMs;
    }
    this.#seen.set(run, { row, since: now });
    return true;
  }

  #rowOf(run: number): Row | undefined {
    const row = this.#database
      .statement('SELECT owner, machine, pid, expires_at FROM leases WHERE run = ?')
      .get(run);
    return row as unknown as Row | undefined;
  }
}
