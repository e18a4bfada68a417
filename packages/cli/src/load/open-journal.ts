import { existsSync } from 'node:fs';
import { isStratagemError, type Journal, type StratagemError } from '@stratagem/core';
import { UsageError } from '../output/exit-code.js';

/** Errors that are about what the user asked for, or about files that the user can mend. */
const JOURNAL_ERRORS = /^(run_(exists|not_found|locked)|journal_\w+)$/;

/**
 * The journal in a folder; it is made with the first run.
 *
 * @throws {UsageError} when it `mustExist` and does not.
 */
export async function openJournal(directory: string, mustExist: boolean): Promise<Journal> {
  const { sqliteJournal } = await import('@stratagem/sqlite');
  if (mustExist && !existsSync(directory)) {
    const remedy = 'it is made by: stratagem run PLAN --journal DIR';
    throw new UsageError(`There is no journal in ${directory}; ${remedy}`);
  }
  return sqliteJournal({ directory });
}

/** Uses the journal in a folder that is there, and closes it. */
export async function withJournal<Result>(
  directory: string,
  use: (journal: Journal) => Promise<Result>,
): Promise<Result> {
  const journal = await openJournal(directory, true);
  try {
    return await use(journal);
  } catch (error) {
    throw asUsageError(error);
  } finally {
    await journal.close();
  }
}

/** What a journal refuses is for the user to mend; everything else stays what it is. */
export function asUsageError(error: unknown): unknown {
  return isOfJournal(error) ? new UsageError(error.message, { cause: error }) : error;
}

/** Whether it is the journal that could not do its part. */
export function isOfJournal(error: unknown): error is StratagemError {
  return isStratagemError(error) && JOURNAL_ERRORS.test(error.code);
}
