import { RunnerError } from '@stratagem/core';
import { codeOfApiError, readErrorBody, shortenWords } from '@stratagem/core/runner';

/**
 * Some servers write an error into the stream as an event of its own, which the SDK does not know.
 *
 * @throws {RunnerError} with the code of the error.
 */
export function requireNoError(event: { readonly object?: unknown }): void {
  if (event.object !== 'error') return;
  const { codes, message = 'the answer failed' } = readErrorBody(event);
  const code = codeOfApiError(codes, undefined, message) ?? 'server_error';
  throw new RunnerError(code, shortenWords(message));
}
