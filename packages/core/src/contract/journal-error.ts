import { StratagemError } from './errors.js';

/** Why a journal could not do what it was asked; see {@link JournalError}. */
export const JOURNAL_ERROR_CODES = [
  /** A run of that id is recorded already. */
  'run_exists',
  /** No run of that id is recorded. */
  'run_not_found',
  /** The run is being written by somebody else, in this process or another. */
  'run_locked',
  /** What is stored cannot be read: damaged, or cut off in the middle. */
  'journal_corrupt',
  /** It was written by a newer version. */
  'journal_newer',
  /** It may only be read. */
  'journal_read_only',
  /** There is no room left. */
  'journal_full',
  /** Anything else that keeps it from being read or written. */
  'journal_failed',
] as const;

/** One of {@link JOURNAL_ERROR_CODES}, where each is explained. */
export type JournalErrorCode = (typeof JOURNAL_ERROR_CODES)[number];

/**
 * What a journal rejects with. The message names the run or the file and says what to do.
 *
 * @example
 * throw new JournalError('journal_full', 'There is no room left for "runs.db": free some space', {
 *   runId,
 *   cause,
 * });
 */
export class JournalError extends StratagemError {
  declare readonly code: JournalErrorCode;
  /** The run concerned, if it is about one. */
  declare readonly runId?: string;

  constructor(
    code: JournalErrorCode,
    message: string,
    { runId, cause }: { readonly runId?: string | undefined; readonly cause?: unknown } = {},
  ) {
    super(code, message, cause === undefined ? undefined : { cause });
    if (runId !== undefined) this.runId = runId;
  }
}

/** The errors that every journal has, in the same words. */
export const journalErrors = {
  runExists: (runId: string) =>
    new JournalError(
      'run_exists',
      `There is a run "${runId}" already: resume it, or give this one another id`,
      { runId },
    ),
  runNotFound: (runId: string) =>
    new JournalError('run_not_found', `There is no run "${runId}" in this journal`, { runId }),
  runLocked: (runId: string) =>
    new JournalError(
      'run_locked',
      `Run "${runId}" is under way elsewhere: wait until it has ended or its process is gone`,
      { runId },
    ),
  closed: (runId?: string) =>
    new JournalError(
      'journal_failed',
      runId === undefined
        ? 'The journal has been closed'
        : `Run "${runId}" cannot be written any more: its journal has been closed`,
      { runId },
    ),
};
