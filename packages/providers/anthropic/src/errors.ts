import type { Anthropic, APIError } from '@anthropic-ai/sdk';
import {
  type AttemptErrorCode,
  describe,
  isStratagemError,
  RunnerError,
  type RunnerErrorDetails,
} from '@stratagem/core';
import { codeOfStatus, parseRetryAfter, redact, redactCause } from '@stratagem/core/provider';
import { lacksCredentials, secretsOf } from './client.js';
import type { Question } from './messages.js';

/** Anthropic's own types and codes, where they say more than the status or come without one. */
const CODES: ReadonlyMap<unknown, AttemptErrorCode> = new Map([
  ['contract_spend_limit_reached', 'insufficient_quota'],
  ['enforced_spend_limit_reached', 'insufficient_quota'],
  ['billing_error', 'insufficient_quota'],
  ['authentication_error', 'authentication'],
  ['permission_error', 'permission_denied'],
  ['not_found_error', 'not_found'],
  ['rate_limit_error', 'rate_limited'],
  ['timeout_error', 'timeout'],
  ['overloaded_error', 'overloaded'],
  ['invalid_request_error', 'invalid_request'],
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
  const { client, model, options } = question;
  // The classes of this very client: another copy of the package has classes of its own.
  const sdk = client.constructor as typeof Anthropic;
  const secrets = secretsOf(client);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const fail = (code: AttemptErrorCode, text: string, details: RunnerErrorDetails = {}) =>
    new RunnerError(code, redact(`anthropic/${model}: ${text}`, secrets), {
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
    return fail(code, messageOf(thrown) + adviceOn(code, question), {
      status: thrown.status,
      requestId: thrown.requestID ?? progress.requestId,
      retryAfterMs: parseRetryAfter(thrown.headers),
    });
  }
  if (!progress.answering && options.client === undefined && lacksCredentials(client)) {
    return new RunnerError(
      'missing_api_key',
      'anthropic() has no API key: set the environment variable ANTHROPIC_API_KEY, or pass ' +
        'anthropic({ apiKey }).',
      // A plain error says only that there is none; one of the SDK, what is wrong with a profile.
      thrown instanceof sdk.AnthropicError ? { cause: thrown } : {},
    );
  }
  if (!progress.answering) return fail('invalid_request', `could not send the request: ${message}`);
  if (thrown instanceof SyntaxError) return fail('server_error', message);
  return fail(
    'connection',
    `the connection broke in the middle of the answer: ${describe(thrown)}`,
  );
}

/** What the API answers with, and sends as an event when an answer fails on its way. */
interface Body {
  readonly error?: {
    readonly type?: string;
    readonly message?: string;
    readonly details?: { readonly error_code?: string } | null;
  };
}

function codeOf({ error, status = 500 }: APIError): AttemptErrorCode {
  const { type, details } = (error as Body | undefined)?.error ?? {};
  return CODES.get(details?.error_code) ?? CODES.get(type) ?? codeOfStatus(status);
}

/** The SDK's own message is the whole body, as JSON. */
function messageOf({ error, status, message }: APIError): string {
  const text = (error as Body | undefined)?.error?.message;
  if (text === undefined) return message;
  return status === undefined ? text : `${status} ${text}`;
}

function adviceOn(code: AttemptErrorCode, { client, model, options }: Question): string {
  switch (code) {
    case 'authentication':
      return options.client !== undefined || options.apiKey !== undefined
        ? ' (check the API key)'
        : ' (check the environment variable ANTHROPIC_API_KEY)';
    case 'not_found':
      return ` (is there a model "${model}" at ${placeOf(client)}?)`;
    default:
      return '';
  }
}

function placeOf({ baseURL }: Anthropic): string {
  const { origin, pathname } = new URL(baseURL);
  return pathname === '/' ? origin : origin + pathname;
}
