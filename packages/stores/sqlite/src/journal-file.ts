import { statSync } from 'node:fs';
import { JournalError } from '@stratagem/core';
import { whileBusy } from './busy.js';
import { Database } from './database.js';
import { DurableAcks } from './durable-acks.js';
import { CorruptionError, toJournalError } from './errors.js';
import { Leases } from './leases.js';
import type { Durability, JournalSettings } from './options.js';
import { createPrivateFile } from './private-file.js';
import { findRun, type KnownRun, numberOfLastRun } from './runs.js';

/** The open files of a journal. It converts their errors to `JournalError`s. */
export class JournalFile {
  readonly durability: Durability;
  readonly database: Database;
  readonly leases: Leases;
  readonly acks: DurableAcks;
  readonly #file: string;
  readonly #inode: bigint | undefined;

  private constructor({ file, durability, leaseMs }: JournalSettings) {
    this.#file = file;
    this.durability = durability;
    const isNew = createPrivateFile(file);
    this.acks = new DurableAcks(`${file}-acknowledged`);
    if (isNew) this.acks.reset();
    // Read before the database, because other processes may begin runs meanwhile.
    const { lastRun } = this.acks;
    let database: Database | undefined;
    try {
      database = new Database(file);
      if (lastRun > numberOfLastRun(database)) throw missingError('whole runs');
    } catch (error) {
      void database?.close();
      this.acks.close();
      throw error;
    }
    this.database = database;
    this.leases = new Leases(database, leaseMs);
    this.#inode = inodeOf(file);
  }

  /** @throws {JournalError} when the file cannot be opened or is damaged. */
  static open(settings: JournalSettings): JournalFile {
    try {
      return new JournalFile(settings);
    } catch (error) {
      throw toJournalError(error, settings.file);
    }
  }

  /** The same, as soon as no other process has locked the file. */
  static async openWhileBusy(settings: JournalSettings): Promise<JournalFile> {
    try {
      return await whileBusy(() => new JournalFile(settings));
    } catch (error) {
      throw toJournalError(error, settings.file);
    }
  }

  /**
   * The state of a run; undefined when it does not exist.
   *
   * @throws {CorruptionError} when acknowledged events are missing.
   */
  find(runId: string): KnownRun | undefined {
    const known = findRun(this.database, runId);
    if (known === undefined || known.events >= this.acks.countOf(known.run)) return known;
    // The run's process may have appended events between the two reads.
    const acknowledged = this.acks.countOf(known.run);
    const again = findRun(this.database, runId);
    const missing = acknowledged - (again?.events ?? 0);
    if (missing > 0) throw missingError(`the last ${missing} acknowledged events`, runId);
    return again;
  }

  /**
   * Checks that the file is still at its path, because SQLite silently writes to a deleted file.
   *
   * @throws {JournalError} when the file has been deleted, moved or replaced since it was opened.
   */
  requireUnmoved(): void {
    if (inodeOf(this.#file) === this.#inode) return;
    const remedy = 'restore it, then resume the run';
    const message = `${this.#file} was deleted or moved while it was in use: ${remedy}`;
    throw new JournalError('journal_failed', message);
  }

  /** Calls the function; converts its errors to `JournalError`s. */
  guard<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw toJournalError(error, this.#file);
    }
  }

  /** Calls the function, again while another process has locked the file; converts its errors. */
  whileBusy<Result>(work: () => Result): Promise<Result> {
    return this.guardAsync(() => whileBusy(work));
  }

  async guardAsync<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      throw toJournalError(error, this.#file);
    }
  }

  async close(): Promise<void> {
    await this.database.close();
    this.acks.close();
  }
}

function inodeOf(file: string): bigint | undefined {
  return statSync(file, { bigint: true, throwIfNoEntry: false })?.ino;
}

function missingError(what: string, runId?: string): CorruptionError {
  const cause = 'the end of the file, or of its -wal file, was cut off or removed';
  const remedy = 'to continue without them, delete its -acknowledged file';
  return new CorruptionError(`${what} are missing: ${cause}; ${remedy}`, runId);
}
