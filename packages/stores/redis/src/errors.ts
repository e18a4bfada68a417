import { isStratagemError, JournalError } from '@stratagem/core';
import { isBrokenConnection, reasonOf } from '@stratagem/store-kit';

/** Errors of the client, which have no code. */
const BROKEN_MESSAGE =
  /^(Connection is closed|Stream isn't writeable|Socket closed|Command timed out)/;
/** The server starts, runs a long script, or a cluster looks for its nodes. */
const PASSING =
  /^(LOADING|BUSY|TRYAGAIN|CLUSTERDOWN|MASTERDOWN|MOVED|ASK|NOSCRIPT|UNBLOCKED|WAITAOF timed out)\b/;

/** The first word of an error of the server, such as `NOAUTH`. */
function codeOf({ message }: Error): string {
  return /^[A-Z]+\b/.exec(message)?.[0] ?? '';
}

/**
 * An error without its command: that may have a password, or outputs of tasks, which must not get into
 * a log.
 */
export function withoutCommand(thrown: unknown): Error {
  if (!(thrown instanceof Error)) return new Error(String(thrown));
  if (!('command' in thrown) && !('previousErrors' in thrown)) return thrown;
  const error = new Error(thrown.message);
  error.name = thrown.name;
  return error;
}

/** Whether the connection was lost or never made, so that nobody knows what became of a command. */
export function isConnectionLoss(thrown: unknown): boolean {
  if (isBrokenConnection(thrown)) return true;
  const { message } = Object(thrown) as { readonly message?: unknown };
  return typeof message === 'string' && BROKEN_MESSAGE.test(message);
}

/** Whether the command may succeed when it is tried again. */
export function isRetryable(thrown: unknown): boolean {
  return thrown instanceof Error && PASSING.test(thrown.message);
}

/** The node that has the keys, of an error of another node of a cluster. */
export function movedTo(thrown: unknown): { host: string; port: number } | undefined {
  const text = thrown instanceof Error ? thrown.message : '';
  const [, host = '', port] = /^(?:MOVED|ASK) \d+ (.*):(\d+)$/.exec(text) ?? [];
  return port === undefined ? undefined : { host, port: Number(port) };
}

/** @param place The server, without the password. */
export function toJournalError(thrown: unknown, place: string, runId?: string): Error {
  if (isStratagemError(thrown)) return thrown;
  const error = withoutCommand(thrown);
  const reason = reasonOf(error);
  const details = { cause: error, runId };
  const failed = (message: string) => new JournalError('journal_failed', message, details);
  const readOnly = (message: string) => new JournalError('journal_read_only', message, details);
  const full = (message: string) => new JournalError('journal_full', message, details);
  switch (codeOf(error)) {
    case 'WRONGPASS':
    case 'NOAUTH':
      return failed(
        `Redis at ${place} refuses the user or the password (${reason}): check those of the URL, or REDISCLI_AUTH`,
      );
    case 'NOPERM':
      return readOnly(
        `Redis at ${place} refuses access (${reason}): grant the user the keys of the prefix, and scripts (ACL SETUSER … ~{prefix}* &{prefix}* +@all)`,
      );
    case 'READONLY':
      return readOnly(
        `Redis at ${place} is a read-only replica (${reason}): use the primary server`,
      );
    case 'OOM':
      return full(
        `The memory of Redis at ${place} is full (${reason}): raise its maxmemory or delete data, then resume the run; no acknowledged event is lost`,
      );
    case 'MISCONF':
      return full(
        `Redis at ${place} cannot write to its disk (${reason}): free some space there, then resume the run; no acknowledged event is lost`,
      );
    case 'WRONGTYPE':
      return new JournalError(
        'journal_corrupt',
        `Keys in Redis at ${place} were changed (${reason}): restore a backup, or use another prefix`,
        details,
      );
  }
  if (/DB index is out of range|invalid DB index/.test(reason)) {
    return failed(`Redis at ${place} has no such database: correct the end of the URL`);
  }
  if (isConnectionLoss(error)) {
    return failed(
      `Redis at ${place} cannot be reached (${reason}): check that it runs, and its host and port; recorded runs can be resumed afterwards`,
    );
  }
  return failed(`Redis at ${place}: ${reason}`);
}
