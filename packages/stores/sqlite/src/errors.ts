import { dirname } from 'node:path';
import { isStratagemError, JournalError } from '@stratagem/core';
import { describe } from '@stratagem/core/runner';

/** SQLite's primary result codes: the lowest byte of an extended code. */
const ERROR = 1;
const BUSY = 5;
const READONLY = 8;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;
/** A failed write: SQLite reports a quota or a size limit this way, and only a full disk as FULL. */
const IOERR_WRITE = 778;
/** The shared-memory file cannot grow. */
const IOERR_SHMSIZE = 4874;

/** Converts any error of a file operation to a `JournalError`. */
export function toJournalError(thrown: unknown, file: string): Error {
  if (isStratagemError(thrown)) return thrown;
  if (thrown instanceof CorruptionError)
    return corruptError(file, thrown.message, thrown.runId, thrown);
  const { errcode = 0, code } = thrown as { errcode?: number; code?: string };
  const options = { cause: thrown };
  const reason = describe(thrown);
  if (
    (errcode & 0xff) === FULL ||
    errcode === IOERR_WRITE ||
    errcode === IOERR_SHMSIZE ||
    code === 'ENOSPC' ||
    code === 'EDQUOT' ||
    code === 'EFBIG'
  ) {
    const remedy = 'free some space, then resume the run; no acknowledged event is lost';
    return new JournalError(
      'journal_full',
      `${file}: no space left (${reason}): ${remedy}`,
      options,
    );
  }
  switch (errcode & 0xff) {
    case ERROR: // Our statements are valid, so the tables must have been changed.
    case CORRUPT:
    case NOTADB:
      return corruptError(file, reason, undefined, thrown);
    case READONLY:
    case CANTOPEN:
      return readOnlyError(file, reason, options);
    case BUSY: {
      const busy = 'another process has been writing for 10 seconds; is it paused in a debugger?';
      return new JournalError('journal_failed', `${file}: ${busy}`, options);
    }
  }
  // No number that we write is larger than JavaScript can represent.
  if (code === 'ERR_OUT_OF_RANGE') return corruptError(file, reason, undefined, thrown);
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return readOnlyError(file, reason, options);
  }
  if (code === 'EEXIST' || code === 'ENOTDIR') {
    const message = `${file} cannot be created: ${dirname(file)} is not a folder; use another one`;
    return new JournalError('journal_failed', message, options);
  }
  return new JournalError('journal_failed', `${file}: ${reason}`, options);
}

/** Stored data differs from what was written. The file is not changed, so that it can be recovered. */
export class CorruptionError extends Error {
  /** @param runId The run concerned, if there is one. */
  constructor(
    message: string,
    readonly runId?: string,
  ) {
    super(message);
  }
}

function corruptError(
  file: string,
  damage: string,
  runId: string | undefined,
  cause: unknown,
): Error {
  const where = runId === undefined ? '' : ` in run "${runId}"`;
  const remedy = 'It was not changed. Restore it from a backup, or try `sqlite3 FILE .recover`';
  const message = `${file} is damaged${where}: ${damage}. ${remedy}`;
  return new JournalError('journal_corrupt', message, { runId, cause });
}

function readOnlyError(file: string, reason: string, options: { readonly cause: unknown }): Error {
  const remedy = 'the file and its folder must be writable, even for reading';
  const message = `${file} cannot be opened: ${reason}; ${remedy}`;
  return new JournalError('journal_read_only', message, options);
}
