import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { JournalError } from '@stratagem/core';
import { DatabaseThread } from './database-thread.js';
import { GroupSync } from './group-sync.js';
import { APPLICATION_ID, FIND_CONTENT, INSERT_CONTENT, SCHEMA, VERSION } from './schema.js';
import { sqliteModule } from './sqlite-module.js';

/** How long a call may wait for another process, and with it the whole program. See `whileBusy`. */
const BUSY_MS = 10;
/** The pages that a small transaction changes. */
const PAGES_LENGTH = 4 * 4_096;
/** Enough for the index of several hundred thousand contents, which are looked up in random order. */
const CACHE_KIB = 16_384;

/** A connection to the file of a journal. */
export class Database {
  readonly #connection: DatabaseSync;
  readonly #log: GroupSync;
  /** For work that would hold up the program. */
  readonly thread: DatabaseThread;
  readonly #statements = new Map<string, StatementSync>();

  /** Opens an existing file; an empty one becomes a journal. */
  constructor(file: string) {
    const { DatabaseSync } = sqliteModule();
    this.#log = new GroupSync(`${file}-wal`);
    this.#connection = new DatabaseSync(file);
    const statements = { insert: INSERT_CONTENT, find: FIND_CONTENT };
    this.thread = new DatabaseThread(file, statements, () => {
      this.#connection.exec('PRAGMA wal_autocheckpoint = 1000');
    });
    try {
      this.#connection.exec(`PRAGMA busy_timeout = ${BUSY_MS}; PRAGMA cell_size_check = ON`);
      this.#connection.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
      this.#prepareFile(file);
      this.#connection.exec('PRAGMA wal_autocheckpoint = 0');
    } catch (error) {
      this.#connection.close();
      throw error;
    }
  }

  /** A statement, prepared once. */
  statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#connection.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /**
   * Runs the work in a transaction, which is rolled back when it throws.
   *
   * @param length About how much text it writes.
   */
  transaction<Result>(work: () => Result, length = 0): Result {
    this.statement('BEGIN IMMEDIATE').run();
    try {
      const result = work();
      this.statement('COMMIT').run();
      this.thread.recordCommit(PAGES_LENGTH + length);
      return result;
    } catch (error) {
      try {
        this.statement('ROLLBACK').run();
      } catch {
        // After some errors, such as a full disk, SQLite has already rolled back.
      }
      throw error;
    }
  }

  /**
   * Resolves when everything committed so far would survive a power failure. Without this call,
   * commits survive only the end of the process.
   */
  sync(): Promise<void> {
    return this.#log.sync();
  }

  async close(): Promise<void> {
    await this.#log.close();
    await this.thread.close();
    this.#connection.close();
  }

  #prepareFile(file: string): void {
    const version = this.#number('PRAGMA user_version');
    const application = this.#number('PRAGMA application_id');
    const isEmpty = version === 0 && this.#number('SELECT count(*) FROM sqlite_schema') === 0;
    if (!isEmpty && application !== APPLICATION_ID) {
      const message = `${file} is the database of another program, not a journal; use another file`;
      throw new JournalError('journal_corrupt', message);
    }
    if (version > VERSION) {
      throw new JournalError(
        'journal_newer',
        `${file} was written by a newer @stratagem/sqlite (format ${version}; this one reads ${VERSION}): update the package`,
      );
    }
    if (this.#text('PRAGMA journal_mode') !== 'wal')
      this.#connection.exec('PRAGMA journal_mode = WAL');
    // Commits do not wait for the disk; `sync` waits when it is required.
    this.#connection.exec('PRAGMA synchronous = NORMAL');
    // On macOS, a plain fsync does not reach the disk; this makes checkpoints reach it.
    this.#connection.exec('PRAGMA checkpoint_fullfsync = ON');
    if (!isEmpty) return;
    this.transaction(() => {
      // Another process may have created the schema meanwhile.
      if (this.#number('PRAGMA user_version') === 0) this.#connection.exec(SCHEMA);
    });
  }

  #number(sql: string): number {
    return Number(this.#text(sql));
  }

  #text(sql: string): unknown {
    return Object.values(this.#connection.prepare(sql).get() ?? {})[0];
  }
}
