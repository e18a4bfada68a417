import { StratagemError } from './errors.js';

/** Why an operation of a journal failed; see {@link JournalError}. */
export const JOURNAL_ERROR_CODES = [
  /** A run with that id is recorded already. */
  'run_exists',
  /** No run with that id is recorded. */
  'run_not_found',
  /** Another writer has the lease of the run, in this process or in another one. */
  'run_locked',
  /** The stored data is damaged or incomplete. */
  'journal_corrupt',
  /** It was written by a newer version. */
  'journal_newer',
  /** The journal is read-only. */
  'journal_read_only',
  /** The disk or the store is full. */
  'journal_full',
  /** Any other failure to read or write. */
  'journal_failed',
] as const;

/** One of {@link JOURNAL_ERROR_CODES}, where each is explained. */
export type JournalErrorCode = (typeof JOURNAL_ERROR_CODES)[number];

/**
 * A journal rejects with this. The message names the run or the file, and the remedy.
 *
 * @example
 * throw new JournalError('journal_full', 'The disk of "runs.db" is full: free some space', {
 *   runId,
 *   cause,
 * });
 */
export class JournalError extends StratagemError {
  declare readonly code: JournalErrorCode;
  /** The run concerned, if there is one. */
  declare readonly runId?: string | undefined;

  constructor(
    code: JournalErrorCode,
    message: string,
    { runId, cause }: { readonly runId?: string | undefined; readonly cause?: unknown } = {},
  ) {
    super(code, message, cause === undefined ? undefined : { cause });
    if (runId !== undefined) this.runId = runId;
  }
}

/** Errors with the same messages in every journal. */
export const journalErrors = {
  runExists: (runId: string) =>
    new JournalError('run_exists', `Run "${runId}" already exists: resume it, or use another id`, {
      runId,
    }),
  runNotFound: (runId: string) =>
    new JournalError('run_not_found', `There is no run "${runId}" in this journal`, { runId }),
  runLocked: (runId: string) =>
    new JournalError(
      'run_locked',
      `Run "${runId}" is locked by another writer: wait until the run or its process has ended`,
      { runId },
    ),
  closed: (runId?: string) =>
    new JournalError(
      'journal_failed',
      runId === undefined
        ? 'The journal has been closed'
        : `Run "${runId}" cannot be written: its journal has been closed`,
      { runId },
    ),
};
