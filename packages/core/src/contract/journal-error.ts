import { type JournalErrorCode, StratagemError } from './errors.js';

export { JOURNAL_ERROR_CODES, type JournalErrorCode } from './errors.js';

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
  runNotQueued: (runId: string) =>
    new JournalError(
      'run_not_queued',
      `Run "${runId}" was not submitted to a queue: only the process that runs it can change it`,
      { runId },
    ),
  runEnded: (runId: string) =>
    new StratagemError('run_ended', `Run "${runId}" has ended: it cannot be changed any more`),
  closed: (runId?: string) =>
    new JournalError(
      'journal_failed',
      runId === undefined
        ? 'The journal has been closed'
        : `Run "${runId}" cannot be written: its journal has been closed`,
      { runId },
    ),
};
