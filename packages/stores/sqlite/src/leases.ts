import { randomUUID } from 'node:crypto';
import { JournalError } from '@stratagem/core';
import type { Database } from './database.js';
import { isAlive, machine } from './machine.js';

interface Row {
  readonly owner: string;
  readonly machine: string;
  readonly pid: number;
  readonly expires_at: number;
}

/** The longest delay a timer accepts. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The exclusive right to append to a run. It expires unless its owner renews it. */
export interface Lease {
  /**
   * Checks the lease; to be called in the transaction that appends.
   *
   * @throws {JournalError} `run_locked` when another process has taken the run over.
   */
  check(): void;
  release(): void;
}

/**
 * Takes the lease of a run; to be called within a transaction.
 *
 * @param run The number of the run in the file.
 * @throws {JournalError} `run_locked` while another owner has the lease: until it expires, or its
 * process on this machine ends.
 */
export function takeLease(database: Database, run: number, runId: string, leaseMs: number): Lease {
  const holder = holderOf(database, run);
  if (holder !== undefined) throw lockedError(runId, holder);

  const owner = randomUUID();
  database
    .statement('INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?)')
    .run(run, owner, machine, process.pid, Date.now() + leaseMs);
  const timer = setInterval(
    () => {
      try {
        database
          .statement('UPDATE leases SET expires_at = ? WHERE run = ? AND owner = ?')
          .run(Date.now() + leaseMs, run, owner);
      } catch {
        // Two more renewals are due before it expires, and `check` notices a lost lease.
      }
    },
    Math.min(leaseMs / 3, MAX_TIMER_MS),
  );
  timer.unref();
  return {
    check() {
      if (leaseOf(database, run)?.owner === owner) return;
      const message = `Run "${runId}" was taken over by another process, because this one was suspended for ${leaseMs} ms or more`;
      throw new JournalError('run_locked', message, { runId });
    },
    release() {
      clearInterval(timer);
      try {
        database.statement('DELETE FROM leases WHERE run = ? AND owner = ?').run(run, owner);
      } catch {
        // The lease will expire.
      }
    },
  };
}

/** Whether a process holds the lease of the run. */
export function isLeased(database: Database, run: number): boolean {
  return holderOf(database, run) !== undefined;
}

function holderOf(database: Database, run: number): Row | undefined {
  const row = leaseOf(database, run);
  if (row === undefined || Date.now() >= row.expires_at) return undefined;
  return row.machine !== machine || isAlive(row.pid) ? row : undefined;
}

function leaseOf(database: Database, run: number): Row | undefined {
  const row = database
    .statement('SELECT owner, machine, pid, expires_at FROM leases WHERE run = ?')
    .get(run);
  return row as unknown as Row | undefined;
}

function lockedError(runId: string, { machine: where, pid, expires_at }: Row): JournalError {
  const seconds = Math.max(1, Math.ceil((expires_at - Date.now()) / 1_000));
  const [host = ''] = where.split(' ');
  const who = where === machine ? `process ${pid}` : `process ${pid} on ${host}`;
  const message = `Run "${runId}" is running in ${who}. If that process has crashed, the run can be resumed in ${seconds} s`;
  return new JournalError('run_locked', message, { runId });
}
