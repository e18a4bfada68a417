import { resolve } from 'node:path';
import { OptionError } from '@stratagem/core';
import { checkDuration, checkOptions } from '@stratagem/core/journal';

interface Settings {
  /**
   * When an append counts as done. `'full'`: when the events are on the disk, so that they survive a
   * power failure. `'normal'`: when the operating system has them. They then survive the end of the
   * process, even a SIGKILL, but a power failure or system crash may lose the last seconds.
   * @default 'full'
   */
  readonly durability?: Durability | undefined;
  /**
   * How long the process of a run may be suspended before another process may take the run over, in
   * milliseconds. A running process renews its lease. The lease of a process of this machine ends with
   * the process.
   * @default 30_000
   */
  readonly leaseMs?: number | undefined;
}

export type Durability = 'full' | 'normal';

/** The location of the journal: a folder of its own, or a file. */
export type SqliteJournalOptions = Settings &
  (
    | {
        /** The folder of the file `journal.db`. It is created when the first run begins. */
        readonly directory: string;
        readonly file?: undefined;
      }
    | {
        /** The file. SQLite creates others next to it while it is in use. */
        readonly file: string;
        readonly directory?: undefined;
      }
  );

/** The options with every default filled in. */
export interface JournalSettings {
  readonly file: string;
  readonly durability: Durability;
  readonly leaseMs: number;
}

/** @throws {OptionError} when an option is unknown, missing or out of range. */
export function journalSettings(options: SqliteJournalOptions): JournalSettings {
  const owner = 'sqliteJournal()';
  checkOptions(owner, options, ['directory', 'file', 'durability', 'leaseMs']);
  const { directory, file, durability = 'full', leaseMs = 30_000 } = options;
  const path = [directory, file].filter((each) => each !== undefined);
  if (path.length !== 1 || typeof path[0] !== 'string' || path[0] === '') {
    throw new OptionError(`${owner} needs either a directory or a file, as a path`);
  }
  if (durability !== 'full' && durability !== 'normal') {
    throw new OptionError(`${owner}: durability must be 'full' or 'normal'; it is ${durability}`);
  }
  checkDuration(owner, 'leaseMs', leaseMs);
  // Resolved now, because the program may change its working directory before the first use.
  return { file: resolve(file ?? `${directory}/journal.db`), durability, leaseMs };
}
