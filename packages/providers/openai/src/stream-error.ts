import { errorIn, isBareError, ServerFailure } from '@stratagem/core/runner';

/** An event of a stream, as far as it may say that the answer has failed. */
interface MaybeFailed {
  readonly object?: unknown;
  readonly base_resp?: unknown;
  readonly choices?: unknown;
}

/**
 * Some servers write an error into the stream as an event of its own, or into a choice, which the SDK does
 * not know.
 *
 * @throws {ServerFailure}
 */
export function requireNoError(event: MaybeFailed): void {
  // MiniMax writes the state of the request into each event.
  const { status_code } = Object(event.base_resp) as { status_code?: unknown };
  if (typeof status_code === 'number' && status_code > 0) throw new ServerFailure(event.base_resp);
  if (event.object === 'error') throw new ServerFailure(event);
  // OpenRouter's.
  const { 0: choice } = Object(event.choices) as { 0?: unknown };
  const error = errorIn(choice);
  if (error !== undefined) throw new ServerFailure(error);
}

/** The failure in an event that is no part of an answer and has words of its own; undefined for any other. */
export function bareFailureIn(event: object): ServerFailure | undefined {
  return isBareError(event as Record<string, unknown>) ? new ServerFailure(event) : undefined;
}
