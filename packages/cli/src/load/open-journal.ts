import { existsSync } from 'node:fs';
import { isStratagemError, type Journal, type StratagemError } from '@stratagem/core';
import { isServer } from '../options/journal-place.js';
import { UsageError } from '../options/usage-error.js';
import { COMMAND } from '../output/command-name.js';
import { openServerJournal } from './open-server.js';

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
    const remedy = `Create one with: ${COMMAND} run PLAN --journal DIR`;
    throw new UsageError(`No journal in ${journal}. ${remedy}`);
  }
  return sqliteJournal({ directory: journal });
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
