import { JournalError } from '@stratagem/core';

type SqliteModule = typeof import('node:sqlite');

let loaded: SqliteModule | undefined;

/**
 * Node's own SQLite. Asked for when a journal is first used and not by an import, so that a runtime
 * without it gets an error that says what to do.
 *
 * @throws {JournalError} `journal_failed` where there is none.
 */
export function sqliteModule(): SqliteModule {
  loaded ??= withoutWarning(() => process.getBuiltinModule('node:sqlite'));
  if (loaded !== undefined) return loaded;
  throw new JournalError(
    'journal_failed',
    `sqliteJournal() needs the node:sqlite of Node 22.13 or newer, which this runtime (${process.version}) ` +
      'does not have. Update Node, or leave out --no-experimental-sqlite',
  );
}

/** Node 22 and 24 warn of their SQLite when it is loaded; what else is warned of gets through. */
function withoutWarning<Loaded>(load: () => Loaded): Loaded {
  const { emitWarning } = process;
  process.emitWarning = ((warning: string | Error, ...rest: unknown[]) => {
    if (rest[0] === 'ExperimentalWarning' && /sqlite/i.test(String(warning))) return;
    Reflect.apply(emitWarning, process, [warning, ...rest]);
  }) as typeof process.emitWarning;
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}
