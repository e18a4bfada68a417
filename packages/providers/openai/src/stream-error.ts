import { codeOfApiError, RunnerError, readErrorBody, shortenWords } from '@stratagem/core/runner';

/**
 * Some servers write an error into the stream as an event of its own, which the SDK does not know.
 *
 * @throws {RunnerError} with the code of the error.
 */
export function requireNoError(event: {
  readonly object?: unknown;
  readonly base_resp?: unknown;
}): void {
  // MiniMax writes the state of the request into each event.
  const { status_code } = Object(event.base_resp) as { status_code?: unknown };
  const isFailed = typeof status_code === 'number' && status_code > 0;
  if (event.object !== 'error' && !isFailed) return;
  const { codes, message = 'the answer failed' } = readErrorBody(
    isFailed ? event.base_resp : event,
  );
  const code = codeOfApiError(codes, undefined, message) ?? 'server_error';
  throw new RunnerError(code, shortenWords(message));
}
