import { JournalError } from '@stratagem/core';

type SqliteModule = typeof import('node:sqlite');

let loaded: SqliteModule | undefined;

/**
 * Node's built-in SQLite. It is loaded on first use instead of imported, so that a runtime without it
 * gets an error with a remedy.
 *
 * @throws {JournalError} `journal_failed` when the runtime has no SQLite.
 */
export function sqliteModule(): SqliteModule {
  loaded ??= withoutWarning(() => process.getBuiltinModule('node:sqlite'));
  if (loaded !== undefined) return loaded;
  throw new JournalError(
    'journal_failed',
    `sqliteJournal() needs the node:sqlite of Node 22.13 or newer, which this runtime (${process.version}) ` +
      'does not have. Update Node, or remove --no-experimental-sqlite',
  );
}

/** Suppresses the warning of Node 22 and 24 that SQLite is experimental, and no other warning. */
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
