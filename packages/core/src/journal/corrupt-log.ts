import { isStratagemError } from '../contract/errors.js';
import { JournalError } from '../contract/journal-error.js';

/** Calls `read`, and turns what it throws into an error that names the run. */
export function wrapCorruptLog<T>(runId: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    // A missing codec is not the fault of the record.
    if (isStratagemError(cause) && cause.code === 'invalid_option') throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const isNewer = isStratagemError(cause) && cause.code === 'journal_newer';
    const message = `The record of run "${runId}" cannot be read: ${reason}`;
    throw new JournalError(isNewer ? 'journal_newer' : 'journal_corrupt', message, {
      runId,
      cause,
    });
  }
}
