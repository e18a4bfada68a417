import type { Anthropic, APIError } from '@anthropic-ai/sdk';
import { type AttemptErrorCode, RunnerError } from '@stratagem/core';
import { codeOfStatus, fromSdkError } from '@stratagem/core/provider';
import { lacksCredentials, secretsOf } from './client.js';
import type { AnthropicOptions } from './options.js';

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

/** Whom was asked, and how. */
interface Asked {
  readonly client: Anthropic;
  readonly model: string;
  readonly options: AnthropicOptions;
}

/** How far a request had come. */
interface Progress {
  readonly requestId: string | undefined;
  /** Whether the answer had begun. */
  readonly answering: boolean;
}

/** Says in our words why a request failed. */
export function toRunnerError(
  thrown: unknown,
  { client, model, options }: Asked,
  progress: Progress,
): RunnerError {
  const place = placeOf(client);
  // The classes of this very client: another copy of the package has classes of its own.
  const classes = client.constructor as typeof Anthropic;
  return fromSdkError<APIError>(thrown, {
    ...progress,
    label: `anthropic/${model}`,
    model,
    place,
    classes,
    secrets: secretsOf(client),
    codeOf: ({ error, status }) => codeOfBody(error as ErrorBody | undefined, status),
    messageOf,
    adviceOn(code) {
      if (code === 'not_found') return ` (is there a model "${model}" at ${place}?)`;
      if (code !== 'authentication') return '';
      return options.client !== undefined || options.apiKey !== undefined
        ? ' (check the API key)'
        : ' (check the environment variable ANTHROPIC_API_KEY)';
    },
    unsent(error) {
      if (options.client !== undefined || !lacksCredentials(client)) return undefined;
      return new RunnerError(
        'missing_api_key',
        'anthropic() has no API key: set the environment variable ANTHROPIC_API_KEY, or pass ' +
          'anthropic({ apiKey }).',
        // A plain error says only that there is none; one of the SDK, what is wrong with a profile.
        error instanceof classes.AnthropicError ? { cause: error } : {},
      );
    },
  });
}

/** What the API answers with, and sends as an event when an answer fails on its way. */
export interface ErrorBody {
  readonly error?: {
    readonly type?: string;
    readonly message?: string;
    readonly details?: { readonly error_code?: string } | null;
  };
}

/** What an error of the API is in our words. */
export function codeOfBody(body: ErrorBody | undefined, status = 500): AttemptErrorCode {
  const { type, details } = body?.error ?? {};
  return CODES.get(details?.error_code) ?? CODES.get(type) ?? codeOfStatus(status);
}

/** The SDK's own message is the whole body, as JSON. */
function messageOf({ error, status, message }: APIError): string {
  const text = (error as ErrorBody | undefined)?.error?.message;
  if (text === undefined) return message;
  return status === undefined ? text : `${status} ${text}`;
}

function placeOf({ baseURL }: Anthropic): string {
  const { origin, pathname } = new URL(baseURL);
  return pathname === '/' ? origin : origin + pathname;
}
