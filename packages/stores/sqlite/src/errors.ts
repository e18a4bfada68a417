import { dirname } from 'node:path';
import { describe, isStratagemError, JournalError } from '@stratagem/core';

/** SQLite's primary result codes, of which an extended one is the lowest byte. */
const ERROR = 1;
const BUSY = 5;
const READONLY = 8;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;
/** A write that failed: SQLite says "full" of a full disk alone, not of quotas and size limits. */
const IOERR_WRITE = 778;
/** The file that connections share cannot grow. */
const IOERR_SHMSIZE = 4874;

/** What a failed use of the file means to whoever wanted something from the journal. */
export function journalErrorOf(thrown: unknown, file: string): Error {
  if (isStratagemError(thrown)) return thrown;
  if (thrown instanceof Damage) return corrupt(file, thrown.message, thrown.runId, thrown);
  const { errcode = 0, code } = thrown as { errcode?: number; code?: string };
  const options = { cause: thrown };
  const why = describe(thrown);
  if (
    (errcode & 0xff) === FULL ||
    errcode === IOERR_WRITE ||
    errcode === IOERR_SHMSIZE ||
    code === 'ENOSPC' ||
    code === 'EDQUOT' ||
    code === 'EFBIG'
  ) {
    const remedy = 'make room, then resume the run: everything acknowledged is there';
    return new JournalError(
      'journal_full',
      `${file}: no room to write (${why}): ${remedy}`,
      options,
    );
  }
  switch (errcode & 0xff) {
    case ERROR: // What we ask is right, so the tables are no longer ours.
    case CORRUPT:
    case NOTADB:
      return corrupt(file, why, undefined, thrown);
    case READONLY:
    case CANTOPEN:
      return readOnly(file, why, options);
    case BUSY: {
      const what = 'another process has been writing for 10 seconds; is it stopped in a debugger?';
      return new JournalError('journal_failed', `${file}: ${what}`, options);
    }
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return readOnly(file, why, options);
  if (code === 'EEXIST' || code === 'ENOTDIR') {
    const message = `${file} cannot be made: ${dirname(file)} is no folder; name another one`;
    return new JournalError('journal_failed', message, options);
  }
  return new JournalError('journal_failed', `${file}: ${why}`, options);
}

/**
 * Something stored is not what was written. Nothing is changed in the file then, so that it can
 * still be rescued.
 */
export class Damage extends Error {
  /** @param runId The run concerned, if it is about one. */
  constructor(
    what: string,
    readonly runId?: string,
  ) {
    super(what);
  }
}

function corrupt(file: string, what: string, runId: string | undefined, cause: unknown): Error {
  const whose = runId === undefined ? '' : ` in run "${runId}"`;
  const remedy = 'It is left as it is: restore it from a backup, or see `sqlite3 FILE .recover`';
  const message = `${file} is damaged${whose}: ${what}. ${remedy}`;
  return new JournalError('journal_corrupt', message, { runId, cause });
}

function readOnly(file: string, why: string, options: { readonly cause: unknown }): Error {
  const remedy = 'its folder and it must be writable, also to read: name another one, or mend that';
  return new JournalError(
    'journal_read_only',
    `${file} cannot be opened: ${why}; ${remedy}`,
    options,
  );
}
