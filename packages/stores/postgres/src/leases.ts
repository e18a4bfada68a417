import { JournalError } from '@stratagem/core';
import type { Database } from './database.js';
import { isAlive, machine } from './machine.js';

const MAX_TIMER_MS = 2 ** 31 - 1;
const MAX_RENEWALS = 2;

/**
 * Whether the lease of a row has not been renewed in time, by the clock of the server. Right after the
 * server has started, nobody had the time to renew one.
 */
function isExpired(row: string): string {
  const lease = `${row}.lease_ms * interval '1 ms'`;
  return `(${row}.lease_until <= clock_timestamp() AND pg_postmaster_start_time() + ${lease} <= clock_timestamp())`;
}

/** SQL: whether nobody writes the run of a row. */
export function isFree(row: string): string {
  return `(${row}.owner IS NULL OR ${isExpired(row)})`;
}

/** SQL: assigns the lease to the owner in the parameter, for the milliseconds in the other one. */
export function lease(owner: string, leaseMs: string): string {
  const until = `clock_timestamp() + ${leaseMs}::int * interval '1 ms'`;
  return `owner = ${owner}, lease_ms = ${leaseMs}, lease_until = ${until}, postponed_until = NULL`;
}

let count = 0;
const processId = crypto.randomUUID();

/** Names this process and one attempt to take a lease, so that a retry recognizes its own lease. */
export function newOwner(): string {
  count++;
  return JSON.stringify([machine, process.pid, `${processId} ${count}`]);
}

/** Whether the process of a lease ran on this machine and has ended. */
export function hasDied(owner: string): boolean {
  const [where, pid] = JSON.parse(owner) as [string, number];
  return where === machine && !isAlive(pid);
}

export function lockedError(runId: string, owner: string, remainingMs: number): JournalError {
  const [where, pid] = JSON.parse(owner) as [string, number];
  const [host = ''] = where.split(' ');
  const who = where === machine ? `process ${pid}` : `process ${pid} on ${host}`;
  const seconds = Math.max(1, Math.ceil(remainingMs / 1_000));
  const message = `Run "${runId}" is running in ${who}. If that process has crashed, the run can be resumed in ${seconds} s`;
  return new JournalError('run_locked', message, { runId });
}

export function takenOverError(runId: string, leaseMs: number): JournalError {
  const message = `Run "${runId}" was taken over by another process, because this one did not renew its lease for ${leaseMs} ms or more`;
  return new JournalError('run_locked', message, { runId });
}

/** Renews the leases of this process, all in one statement, three times in their duration. */
export class LeaseKeeper {
  readonly #database: Database;
  readonly #tokens = new Map<number, number>();
  readonly #timer: NodeJS.Timeout;
  /** Renewals under way. One that hangs must not hold up the next one. */
  #renewals = 0;

  constructor(database: Database) {
    this.#database = database;
    const { leaseMs } = database.settings;
    this.#timer = setInterval(() => void this.#renew(), Math.min(leaseMs / 3, MAX_TIMER_MS));
    this.#timer.unref();
  }

  keep(run: number, token: number): void {
    this.#tokens.set(run, token);
  }

  release(run: number, token: number): void {
    if (this.#tokens.get(run) === token) this.#tokens.delete(run);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #renew(): Promise<void> {
    if (this.#renewals >= MAX_RENEWALS || this.#tokens.size === 0) return;
    this.#renewals++;
    const { schema } = this.#database;
    try {
      // An append has locked its row, and renews the lease itself.
      await this.#database.queryOnce(
        `WITH mine AS (
            SELECT r.run FROM ${schema}.runs r
            JOIN unnest($1::bigint[], $2::bigint[]) AS held (run, token) USING (run, token)
            WHERE r.owner IS NOT NULL FOR UPDATE OF r SKIP LOCKED
          )
          UPDATE ${schema}.runs r SET lease_until = clock_timestamp() + r.lease_ms * interval '1 ms'
          FROM mine WHERE r.run = mine.run`,
        [[...this.#tokens.keys()], [...this.#tokens.values()]],
      );
    } catch {
      // Two more renewals are due before it expires, and each append checks the lease.
    } finally {
      this.#renewals--;
    }
  }
}
