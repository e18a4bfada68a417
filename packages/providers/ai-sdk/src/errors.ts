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
  readonly cause?: unknown;
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
  ['AI_StreamProviderError', 'server_error'],
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
  const secrets = await secretsOf(model, thrown, given);
  const { statusCode: status, responseHeaders } = Object(thrown) as SdkError;
  const get = (name: string) => responseHeaders?.[name];
  const [code, text] = reasonOf(thrown, progress.answering);
  return new RunnerError(code, redact(`${labelOf(model)}: ${text}`, secrets), {
    cause: redactCause(thrown, secrets),
    model: typeof model === 'string' ? model : model.modelId,
    ...definedOf({
      status,
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

function reasonOf(thrown: unknown, answering: boolean): [AttemptErrorCode, string] {
  const error = Object(thrown) as SdkError;
  const { name = '', message = '', statusCode, cause } = error;
  const isCall = name === 'AI_APICallError';
  // The answer had begun: what broke it off is the cause.
  if (isCall && cause !== undefined && statusCode !== undefined && statusCode < 400) {
    return reasonOf(cause, true);
  }
  const said = codeOf(error);
  // Of an API's error its own words: the SDK puts into the cause what it tried to read.
  if (said !== undefined) return [said, isCall && message ? message : describe(thrown)];
  if (isCall) return ['connection', describe(thrown)];
  // No error of this process: older providers hand on what the server wrote into the stream.
  if (answering && !(thrown instanceof Error)) return ['server_error', describe(thrown)];
  if (!answering || name.startsWith('AI_')) return ['task_failed', describe(thrown)];
  return ['connection', `the connection broke in the middle of the answer: ${describe(thrown)}`];
}

/** Undefined when the error does not tell. */
function codeOf({ name, statusCode, data, code, type }: SdkError): AttemptErrorCode | undefined {
  const details = Object(Object(data).error ?? data) as { code?: unknown; type?: unknown };
  for (const said of [details.code, details.type, code, type]) {
    const known = SAID.get(said);
    if (known !== undefined) return known;
  }
  return typeof statusCode === 'number' ? codeOfStatus(statusCode) : NAMES.get(name);
}

export function definedOf<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const known = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known) as { [K in keyof T]?: NonNullable<T[K]> };
}
