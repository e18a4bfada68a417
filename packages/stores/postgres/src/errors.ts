import { isStratagemError, JournalError } from '@stratagem/core';
import { isBrokenConnection, reasonOf } from '@stratagem/store-kit';

/** What PostgreSQL reports, as far as it is looked at here. */
interface ServerError {
  readonly code?: unknown;
  readonly message?: unknown;
}

/** Errors of the client, which have no code. */
const BROKEN_MESSAGE =
  /^(Connection terminated|Query read timeout|timeout exceeded when trying to connect|timeout expired|Client has encountered a connection error|Client was closed)/i;

/** Whether the connection was lost or never made, so that nobody knows what became of a statement. */
export function isConnectionLoss(thrown: unknown): boolean {
  const { code, message } = Object(thrown) as ServerError;
  if (typeof code === 'string') {
    // Shutting down, crashed, starting up, and the class of connection exceptions.
    return /^(57P0[1235]|08...)$/.test(code) || isBrokenConnection(thrown);
  }
  if (thrown instanceof AggregateError) return thrown.errors.some(isConnectionLoss);
  return typeof message === 'string' && BROKEN_MESSAGE.test(message);
}

/** Whether the statement was undone, and may succeed when it is tried again. */
export function isRetryable(thrown: unknown): boolean {
  const { code } = Object(thrown) as ServerError;
  // Serialization failures, deadlocks, locks that take too long, no connection left, canceled statements.
  return typeof code === 'string' && /^(40001|40P01|55P03|53300|57014)$/.test(code);
}

/** @param place The server and the database, without the password. */
export function toJournalError(thrown: unknown, place: string, runId?: string): Error {
  if (isStratagemError(thrown)) return thrown;
  const { code } = Object(thrown) as ServerError;
  const reason = reasonOf(thrown);
  const details = { cause: thrown, runId };
  const failed = (message: string) => new JournalError('journal_failed', message, details);
  switch (code) {
    case '28P01':
    case '28000':
      return failed(
        `PostgreSQL at ${place} refuses the user or the password (${reason}): check the user and the password of the URL, or PGUSER and PGPASSWORD`,
      );
    case '3D000':
      return failed(
        `PostgreSQL at ${place} has no such database: create it with \`createdb NAME\`, or correct the end of the URL`,
      );
    case '42501':
      return new JournalError(
        'journal_read_only',
        `PostgreSQL at ${place} refuses access (${reason}): grant the user the rights to the schema and its tables, or to create them (GRANT CREATE ON DATABASE …)`,
        details,
      );
    case '25006':
      return new JournalError(
        'journal_read_only',
        `PostgreSQL at ${place} is read-only (${reason}): use the primary server, not a replica`,
        details,
      );
    case '53100':
      return new JournalError(
        'journal_full',
        `The disk of PostgreSQL at ${place} is full (${reason}): free some space, then resume the run; no acknowledged event is lost`,
        details,
      );
    case '53300':
      return failed(
        `PostgreSQL at ${place} has no connection left (${reason}): raise its max_connections, or lower maxConnections of the processes`,
      );
    case '57014':
      return failed(
        `PostgreSQL at ${place} canceled a statement (${reason}): raise statementTimeoutMs, or statement_timeout of the user`,
      );
    case '3F000':
    case '42P01':
    case '42703':
      return new JournalError(
        'journal_corrupt',
        `The tables in PostgreSQL at ${place} were changed or deleted (${reason}): restore them from a backup, or use another schema`,
        details,
      );
  }
  if (isConnectionLoss(thrown)) {
    return failed(
      `PostgreSQL at ${place} cannot be reached (${reason}): check that it runs, and its host and port; recorded runs can be resumed afterwards`,
    );
  }
  return failed(`PostgreSQL at ${place}: ${reason}`);
}
