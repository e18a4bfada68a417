import { RunnerError } from '@stratagem/core';

/**
 * An error of a server with a remedy.
 *
 * @param place The server, without the password.
 */
export function engineError(thrown: unknown, place: string): RunnerError {
  const { code } = Object(thrown) as { readonly code?: unknown };
  const reason = reasonOf(thrown);
  const failed = (message: string) =>
    new RunnerError('connection', `The engine, ${place}, ${message}`, {
      cause: withoutCommand(thrown),
    });
  if (code === '28P01' || code === '28000') {
    return failed(
      `refuses the user or the password (${reason}): check them in the URL, or PGUSER and PGPASSWORD`,
    );
  }
  if (/^(WRONGPASS|NOAUTH)/.test(reason)) {
    return failed(
      `refuses the user or the password (${reason}): check them in the URL, or REDISCLI_AUTH`,
    );
  }
  if (code === '3D000') {
    return failed('has no such database: create it with `createdb NAME`, or correct the URL');
  }
  if (code === '42501') {
    return failed(
      `refuses access (${reason}): grant the user the rights to the schema "bullmq", or to create it (GRANT CREATE ON DATABASE …)`,
    );
  }
  return failed(`cannot be used (${reason}): check that it runs, and the host and port of the URL`);
}

/** @param aheadMs By how much this machine is ahead of the server. @param place The server, without the password. */
export function clockError(aheadMs: number, place: string): RunnerError {
  const seconds = (Math.abs(aheadMs) / 1_000).toFixed(1);
  const message = `The clock of this machine is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} that of ${place}, so that workers would take attempts from each other: synchronize the clocks, such as with NTP, or raise lockMs of all workers`;
  return new RunnerError('connection', message);
}

/**
 * An error without the command of Redis that failed: that may have the password, or outputs of tasks, which
 * must not get into a log.
 */
export function withoutCommand(thrown: unknown): Error {
  if (!(thrown instanceof Error)) return new Error(String(thrown));
  if (!('command' in thrown) && !('previousErrors' in thrown)) return thrown;
  const error = new Error(thrown.message);
  error.name = thrown.name;
  return error;
}

function reasonOf(thrown: unknown): string {
  const errors: unknown[] = thrown instanceof AggregateError ? thrown.errors : [thrown];
  const messages = errors.map((error) =>
    error instanceof Error ? error.message || (error as { code?: string }).code : String(error),
  );
  return [...new Set(messages)].join(', ');
}
