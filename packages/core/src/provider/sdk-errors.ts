import {
  type AttemptErrorCode,
  describe,
  isStratagemError,
  RunnerError,
  type RunnerErrorDetails,
} from '../contract/errors.js';
import { parseRateLimits } from '../contract/rate-limits.js';
import { parseRetryAfter } from './http-error.js';
import { redact, redactCause } from './redact.js';

/** What the SDKs of OpenAI and Anthropic, which are made by the same generator, throw. */
export interface SdkError extends Error {
  readonly status?: number | undefined;
  readonly headers?: Headers | undefined;
  readonly requestID?: string | null | undefined;
}

type ErrorClass = abstract new (...args: never[]) => Error;

/** The error classes of a client; those of another copy of its package are others. */
export interface SdkErrorClasses {
  readonly APIError: ErrorClass;
  readonly APIConnectionError: ErrorClass;
  readonly APIConnectionTimeoutError: ErrorClass;
  readonly APIUserAbortError: ErrorClass;
}

/** How a request came to fail. */
export interface SdkRequest<E extends SdkError> {
  /** Begins each message: provider and model. */
  readonly label: string;
  readonly model: string;
  readonly classes: SdkErrorClasses;
  /** What must never be seen. */
  readonly secrets: readonly string[];
  /** Where it went, for messages. */
  readonly place: string;
  readonly requestId: string | undefined;
  /** Whether the answer had begun. */
  readonly answering: boolean;
  readonly codeOf: (error: E) => AttemptErrorCode;
  readonly messageOf?: (error: E) => string;
  /** What to look at, in brackets after the message. */
  readonly adviceOn: (code: AttemptErrorCode) => string;
  /** What is known about an error that came before anything was sent. */
  readonly unsent?: (thrown: unknown) => RunnerError | undefined;
}

/** Says in our words why a request of an SDK failed. */
export function fromSdkError<E extends SdkError>(
  thrown: unknown,
  request: SdkRequest<E>,
): RunnerError {
  if (isStratagemError(thrown)) return thrown as RunnerError;
  const { classes, secrets, place, answering, model, label } = request;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const fail = (code: AttemptErrorCode, text: string, details: RunnerErrorDetails = {}) =>
    new RunnerError(code, redact(`${label}: ${text}`, secrets), {
      cause: redactCause(thrown, secrets),
      requestId: request.requestId,
      model,
      ...details,
    });

  if (thrown instanceof classes.APIConnectionTimeoutError) return fail('timeout', message);
  if (thrown instanceof classes.APIConnectionError) {
    return fail('connection', `no connection to ${place}: ${describe(thrown)}`);
  }
  if (thrown instanceof classes.APIUserAbortError) return fail('aborted', message);
  if (thrown instanceof classes.APIError) {
    const error = thrown as unknown as E;
    const code = request.codeOf(error);
    const said = request.messageOf?.(error) ?? message;
    return fail(code, said + request.adviceOn(code), {
      status: error.status,
      requestId: error.requestID ?? request.requestId,
      retryAfterMs: parseRetryAfter(error.headers),
      rateLimits: error.headers && parseRateLimits(error.headers),
    });
  }
  if (!answering) {
    const unsent = request.unsent?.(thrown);
    return unsent ?? fail('invalid_request', `could not send the request: ${message}`);
  }
  if (thrown instanceof SyntaxError) return fail('server_error', message);
  return fail(
    'connection',
    `the connection broke in the middle of the answer: ${describe(thrown)}`,
  );
}
