import { statSync } from 'node:fs';
import { JournalError } from '@stratagem/core';
import { Acknowledged } from './acknowledged.js';
import { Database } from './database.js';
import { Damage, journalErrorOf } from './errors.js';
import type { Durability, JournalSettings } from './options.js';
import { makePrivateFile } from './private-file.js';
import { findRun, type KnownRun, numberOfLastRun } from './runs.js';

/** The open files of a journal, and what their errors mean. */
export class JournalFile {
  readonly durability: Durability;
  readonly leaseMs: number;
  readonly database: Database;
  readonly acknowledged: Acknowledged;
  readonly #file: string;
  readonly #inode: bigint | undefined;

  private constructor({ file, durability, leaseMs }: JournalSettings) {
    this.#file = file;
    this.durability = durability;
    this.leaseMs = leaseMs;
    const isNew = makePrivateFile(file);
    this.acknowledged = new Acknowledged(`${file}-acknowledged`);
    if (isNew) this.acknowledged.reset();
    // In this order, as other processes may begin runs meanwhile.
    const { lastRun } = this.acknowledged;
    this.database = new Database(file);
    if (lastRun > numberOfLastRun(this.database)) throw lost('whole runs');
    this.#inode = inodeOf(file);
  }

  /** @throws {JournalError} when it cannot be opened, or is not what was written. */
  static open(settings: JournalSettings): JournalFile {
    try {
      return new JournalFile(settings);
    } catch (error) {
      throw journalErrorOf(error, settings.file);
    }
  }

  /**
   * What is recorded of a run.
   *
   * @throws {Damage} when that is less than was acknowledged.
   */
  find(runId: string): KnownRun | undefined {
    const known = findRun(this.database, runId);
    if (known === undefined || known.events >= this.acknowledged.of(known.run)) return known;
    // Its process may have been quicker than we are.
    const acknowledged = this.acknowledged.of(known.run);
    const again = findRun(this.database, runId);
    const missing = acknowledged - (again?.events ?? 0);
    if (missing > 0) throw lost(`the last ${missing} acknowledged events`, runId);
    return again;
  }

  /**
   * SQLite goes on writing into a file that has no name any more, and tells nobody.
   *
   * @throws {JournalError} when it has been deleted, moved or replaced since it was opened.
   */
  requireThere(): void {
    if (inodeOf(this.#file) === this.#inode) return;
    const remedy = 'put back what was there, then resume the run';
    const message = `${this.#file} was deleted or moved away while it was used: ${remedy}`;
    throw new JournalError('journal_failed', message);
  }

  /** Calls it, and says what its errors mean. */
  guard<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw journalErrorOf(error, this.#file);
    }
  }

  async guardAsync<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      throw journalErrorOf(error, this.#file);
    }
  }

  async close(): Promise<void> {
    await this.database.close();
    this.acknowledged.close();
  }
}

function inodeOf(file: string): bigint | undefined {
  return statSync(file, { bigint: true, throwIfNoEntry: false })?.ino;
}

function lost(what: string, runId?: string): Damage {
  const why = 'its end, or the -wal file beside it, has been cut off or taken away';
  const remedy = 'to go on without them, delete the -acknowledged file beside it';
  return new Damage(`${what} are missing: ${why}; ${remedy}`, runId);
}
