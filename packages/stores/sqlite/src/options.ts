import { resolve } from 'node:path';
import { checkDuration, checkOptions, OptionError } from '@stratagem/core';

interface Settings {
  /**
   * When an append counts as done. `'full'`: when the events are on the disk, so that not even a
   * power failure takes them. `'normal'`: when they are in the hands of the operating system;
   * whatever ends the process, a SIGKILL included, takes none of them, but a power failure or a
   * crash of the system may take those of the last seconds.
   * @default 'full'
   */
  readonly durability?: Durability;
  /**
   * How long, in milliseconds, the process that runs a run may stand still before another one may
   * take it over. It is renewed all the time; the lease of a process of this machine that is gone
   * is free at once.
   * @default 30_000
   */
  readonly leaseMs?: number;
}

export type Durability = 'full' | 'normal';

/** Where the journal is: a folder for it alone, or a file. */
export type SqliteJournalOptions = Settings &
  (
    | {
        /** A folder, in which the file is `journal.db`. It is made when the first run begins. */
        readonly directory: string;
        readonly file?: undefined;
      }
    | {
        /** A file; SQLite keeps others beside it while it is used. */
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

/** @throws {OptionError} when one is unknown, missing or out of range. */
export function settingsOf(options: SqliteJournalOptions): JournalSettings {
  const owner = 'sqliteJournal()';
  checkOptions(owner, options, ['directory', 'file', 'durability', 'leaseMs']);
  const { directory, file, durability = 'full', leaseMs = 30_000 } = options;
  const path = [directory, file].filter((each) => each !== undefined);
  if (path.length !== 1 || typeof path[0] !== 'string' || path[0] === '') {
    throw new OptionError(`${owner} takes the path of a directory, or of a file`);
  }
  if (durability !== 'full' && durability !== 'normal') {
    throw new OptionError(`${owner}: durability must be 'full' or 'normal'; it is ${durability}`);
  }
  checkDuration(owner, 'leaseMs', leaseMs);
  // As it is now: the program may go to another folder before it is used.
  return { file: resolve(file ?? `${directory}/journal.db`), durability, leaseMs };
}
