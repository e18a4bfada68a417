import { existsSync } from 'node:fs';
import { isStratagemError, type Journal, type StratagemError } from '@stratagem/core';
import { isServer, schemeOf } from '../options/journal-place.js';
import { optionErrorToUsageError } from '../options/to-usage-error.js';
import { UsageError } from '../options/usage-error.js';

/** Errors that the user can fix, by another command or in the files of the journal. */
const JOURNAL_ERRORS = /^(run_(exists|not_found|locked)|journal_\w+)$/;

/**
 * Opens the journal in a directory, which the first run creates, or on a server.
 *
 * @throws {UsageError} when the journal `mustExist` and does not, or its package is not installed.
 */
export async function openJournal(journal: string, mustExist: boolean): Promise<Journal> {
  if (isServer(journal)) return openServerJournal(journal);
  const { sqliteJournal } = await import('@stratagem/sqlite');
  if (mustExist && !existsSync(journal)) {
    const remedy = 'Create one with: stratagem run PLAN --journal DIR';
    throw new UsageError(`No journal in ${journal}. ${remedy}`);
  }
  return sqliteJournal({ directory: journal });
}

async function openServerJournal(url: string): Promise<Journal> {
  const scheme = schemeOf(url);
  if (scheme !== 'postgres' && scheme !== 'postgresql') {
    const known = 'postgres://user@host/database, or a directory';
    throw new UsageError(`--journal cannot use ${scheme}://. It takes ${known}`);
  }
  const { postgresJournal } = await loadPostgres();
  try {
    return postgresJournal({ url });
  } catch (error) {
    throw optionErrorToUsageError(error);
  }
}

/** @throws {UsageError} when the package is not installed: most users need none. */
export async function loadPostgres(): Promise<typeof import('@stratagem/postgres')> {
  try {
    return await import('@stratagem/postgres');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    const message =
      '--journal postgres://… needs the package @stratagem/postgres. Install it where the command line is: npm install @stratagem/postgres';
    throw new UsageError(message, { cause: error });
  }
}

/** Opens an existing journal while `use` needs it. */
export async function withJournal<Result>(
  directory: string,
  use: (journal: Journal) => Promise<Result>,
): Promise<Result> {
  const journal = await openJournal(directory, true);
  try {
    return await use(journal);
  } catch (error) {
    throw journalErrorToUsageError(error);
  } finally {
    await journal.close();
  }
}

/** Turns an error of the journal into a usage error; other errors stay as they are. */
export function journalErrorToUsageError(error: unknown): unknown {
  return isJournalError(error) ? new UsageError(error.message, { cause: error }) : error;
}

export function isJournalError(error: unknown): error is StratagemError {
  return isStratagemError(error) && JOURNAL_ERRORS.test(error.code);
}
