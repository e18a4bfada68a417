import { existsSync } from 'node:fs';
import { isStratagemError, type Journal, type StratagemError } from '@stratagem/core';
import { UsageError } from '../options/usage-error.js';

/** Errors that the user can fix, by another command or in the files of the journal. */
const JOURNAL_ERRORS = /^(run_(exists|not_found|locked)|journal_\w+)$/;

/**
 * Opens the journal in a directory. The first run creates the directory.
 *
 * @throws {UsageError} when the journal `mustExist` and does not.
 */
export async function openJournal(directory: string, mustExist: boolean): Promise<Journal> {
  const { sqliteJournal } = await import('@stratagem/sqlite');
  if (mustExist && !existsSync(directory)) {
    const remedy = 'Create one with: stratagem run PLAN --journal DIR';
    throw new UsageError(`No journal in ${directory}. ${remedy}`);
  }
  return sqliteJournal({ directory });
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
