import {
  type AttemptErrorCode,
  describe,
  isStratagemError,
  RunnerError,
  type RunnerErrorDetails,
} from '@stratagem/core';
import { codeOfStatus, parseRetryAfter, redact, redactCause } from '@stratagem/core/provider';
import type { APIError, OpenAI } from 'openai';
import { secretsOf } from './client.js';
import type { Question } from './exchange.js';

/** OpenAI's own codes and types, where they say more than the status or come without one. */
const CODES: ReadonlyMap<unknown, AttemptErrorCode> = new Map([
  ['insufficient_quota', 'insufficient_quota'],
  ['billing_hard_limit_reached', 'insufficient_quota'],
  ['billing_not_active', 'insufficient_quota'],
  ['invalid_api_key', 'authentication'],
  ['model_not_found', 'not_found'],
  ['rate_limit_exceeded', 'rate_limited'],
  ['invalid_prompt', 'invalid_request'],
  ['context_length_exceeded', 'invalid_request'],
  ['content_filter', 'refused'],
  ['content_policy_violation', 'refused'],
  ['bio_policy', 'refused'],
  ['misalignment_policy_violation', 'refused'],
]);

/** How far a request had come. */
interface Progress {
  readonly requestId: string | undefined;
  /** Whether the answer had begun. */
  readonly answering: boolean;
}

/** Says in our words why a request failed. */
export function toRunnerError(
  thrown: unknown,
  question: Question,
  progress: Progress,
): RunnerError {
  if (isStratagemError(thrown)) return thrown as RunnerError;
  const { client, model } = question;
  // The classes of this very client: another copy of the package has classes of its own.
  const sdk = client.constructor as typeof OpenAI;
  const secrets = secretsOf(client);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const fail = (code: AttemptErrorCode, text: string, details: RunnerErrorDetails = {}) =>
    new RunnerError(code, redact(`openai/${model}: ${text}`, secrets), {
      cause: redactCause(thrown, secrets),
      requestId: progress.requestId,
      ...details,
    });

  if (thrown instanceof sdk.APIConnectionTimeoutError) return fail('timeout', message);
  if (thrown instanceof sdk.APIConnectionError) {
    return fail('connection', `no connection to ${placeOf(client)}: ${describe(thrown)}`);
  }
  if (thrown instanceof sdk.APIUserAbortError) return fail('aborted', message);
  if (thrown instanceof sdk.APIError) {
    const code = codeOf(thrown);
    return fail(code, message + adviceOn(code, question), {
      status: thrown.status,
      requestId: thrown.requestID ?? progress.requestId,
      retryAfterMs: parseRetryAfter(thrown.headers),
    });
  }
  if (!progress.answering) return fail('invalid_request', `could not send the request: ${message}`);
  if (thrown instanceof SyntaxError) return fail('server_error', message);
  return fail(
    'connection',
    `the connection broke in the middle of the answer: ${describe(thrown)}`,
  );
}

function codeOf({ code, type, status }: APIError): AttemptErrorCode {
  const known = CODES.get(code) ?? CODES.get(type);
  if (known !== undefined) return known;
  // Compatible servers put the status into the code of an error that comes within the stream.
  return codeOfStatus(status ?? (Number(code) || 500));
}

function adviceOn(code: AttemptErrorCode, { client, model, options }: Question): string {
  switch (code) {
    case 'authentication':
      return options.client !== undefined || options.apiKey !== undefined
        ? ' (check the API key)'
        : ' (check the environment variable OPENAI_API_KEY)';
    case 'not_found':
      return ` (is there a model "${model}" at ${placeOf(client)}?)`;
    default:
      return '';
  }
}

function placeOf({ baseURL }: OpenAI): string {
  const { origin, pathname } = new URL(baseURL);
  return origin + pathname;
}
