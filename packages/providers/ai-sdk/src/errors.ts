import {
  type AttemptErrorCode,
  describe,
  isStratagemError,
  RunnerError,
  type Usage,
} from '@stratagem/core';
import {
  codeOfStatus,
  parseRateLimits,
  parseRetryAfter,
  redact,
  redactCause,
} from '@stratagem/core/provider';
import type { LanguageModel } from 'ai';
import { labelOf } from './options.js';
import { secretsOf } from './secrets.js';

/** Headers as the SDK hands them on, with names in lower case. */
export type Headers = Readonly<Record<string, string>> | undefined;

/** How far an attempt had come. */
export interface Progress {
  /** What the answers so far have used. */
  readonly usage: Usage | undefined;
  /** Whether an answer had begun. */
  readonly answering: boolean;
}

/** What the SDK's errors tell, those of providers and those that come within a stream. */
interface SdkError {
  readonly name?: string;
  readonly message?: string;
  readonly statusCode?: number;
  readonly responseHeaders?: Headers;
  readonly data?: unknown;
  readonly code?: unknown;
  readonly type?: unknown;
}

/** Errors of the SDK by their names, which hold across copies of it. */
const NAMES: ReadonlyMap<unknown, AttemptErrorCode> = new Map([
  ['AI_LoadAPIKeyError', 'missing_api_key'],
  ['AI_LoadSettingError', 'invalid_request'],
  ['AI_NoSuchModelError', 'not_found'],
  ['AI_UnsupportedFunctionalityError', 'invalid_request'],
  ['AI_UnsupportedModelVersionError', 'invalid_request'],
  ['AI_InvalidPromptError', 'invalid_request'],
  ['AI_InvalidArgumentError', 'invalid_request'],
  // The stream came to its end without one for the answer.
  ['AI_NoOutputGeneratedError', 'connection'],
  ['AI_InvalidResponseDataError', 'connection'],
  ['AI_JSONParseError', 'server_error'],
  ['AI_TypeValidationError', 'server_error'],
  ['AI_EmptyResponseBodyError', 'server_error'],
]);

/** What providers say themselves, where it tells more than the status. */
const SAID: ReadonlyMap<unknown, AttemptErrorCode> = new Map([
  ['insufficient_quota', 'insufficient_quota'],
  ['billing_hard_limit_reached', 'insufficient_quota'],
  ['billing_not_active', 'insufficient_quota'],
  ['invalid_api_key', 'authentication'],
  ['authentication_error', 'authentication'],
  ['model_not_found', 'not_found'],
  ['rate_limit_exceeded', 'rate_limited'],
  ['rate_limit_error', 'rate_limited'],
  ['overloaded_error', 'overloaded'],
  ['content_filter', 'refused'],
  ['content_policy_violation', 'refused'],
]);

/** Says in our words why a request failed. */
export async function toRunnerError(
  thrown: unknown,
  {
    model,
    secrets: given,
  }: { readonly model: LanguageModel; readonly secrets?: readonly string[] },
  progress: Progress,
): Promise<RunnerError> {
  if (isStratagemError(thrown)) return thrown as RunnerError;
  const error = Object(thrown) as SdkError;
  const label = labelOf(model);
  const secrets = await secretsOf(model, thrown, given);
  const code = codeOf(error, progress);
  const { statusCode: status, responseHeaders } = error;
  const get = (name: string) => responseHeaders?.[name];
  return new RunnerError(code, redact(`${label}: ${textOf(thrown, code, progress)}`, secrets), {
    cause: redactCause(thrown, secrets),
    model: typeof model === 'string' ? model : model.modelId,
    ...(status !== undefined && { status }),
    ...definedOf({
      requestId: requestIdOf(responseHeaders),
      retryAfterMs: parseRetryAfter({ get }),
      rateLimits: parseRateLimits({ get }),
      usage: progress.usage,
    }),
  });
}

/** The provider's id of a request, as most of them call it. */
export function requestIdOf(headers: Headers): string | undefined {
  return headers?.['x-request-id'] ?? headers?.['request-id'] ?? headers?.['apim-request-id'];
}

function codeOf(error: SdkError, { answering }: Progress): AttemptErrorCode {
  const { name = '', statusCode, data } = error;
  const details = Object(Object(data).error ?? data) as { code?: unknown; type?: unknown };
  for (const said of [details.code, details.type, error.code, error.type]) {
    const code = SAID.get(said);
    if (code !== undefined) return code;
  }
  if (typeof statusCode === 'number') return codeOfStatus(statusCode);
  const known = NAMES.get(name);
  if (known !== undefined) return known;
  if (name === 'AI_APICallError') return 'connection';
  if (name === 'AI_StreamProviderError') return 'server_error';
  // What else breaks off a stream is the connection; an error of the SDK says what it is.
  return answering && !name.startsWith('AI_') ? 'connection' : 'task_failed';
}

function textOf(thrown: unknown, code: AttemptErrorCode, { answering }: Progress): string {
  const { name = '' } = Object(thrown) as SdkError;
  if (code !== 'connection' || name.startsWith('AI_')) {
    // Of an API's error its own words: the SDK puts into the cause what it tried to read.
    return name === 'AI_APICallError' && code !== 'connection'
      ? (thrown as Error).message
      : describe(thrown);
  }
  return answering
    ? `the connection broke in the middle of the answer: ${describe(thrown)}`
    : describe(thrown);
}

export function definedOf<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const known = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known) as { [K in keyof T]?: NonNullable<T[K]> };
}
