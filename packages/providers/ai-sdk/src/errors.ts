import type { AttemptErrorCode, RunnerError, Usage } from '@stratagem/core';
import {
  adviceIn,
  brokenAnswer,
  codeOfApiError,
  definedFields,
  describe,
  errorIn,
  headerProblemIn,
  isBareError,
  isStratagemError,
  readErrorBody,
  redact,
  redactedError,
  secretHeaders,
  shortenWords,
} from '@stratagem/core/runner';
import type { LanguageModel } from 'ai';
import { type AiSdkOptions, labelOf, modelNameOf } from './options.js';
import { secretsOf } from './secrets.js';

/** Headers of the SDK, with names in lower case. */
export type Headers = Readonly<Record<string, string>> | undefined;

/** How far an attempt had got when it failed. */
export interface AttemptProgress {
  /** The usage of the answers so far. */
  readonly usage: Usage | undefined;
  /** Whether an answer had begun. */
  readonly answering: boolean;
}

/** The fields of the SDK's errors: those of providers, and those within a stream. */
interface SdkError {
  readonly name?: string | undefined;
  readonly message?: string | undefined;
  readonly statusCode?: number | undefined;
  readonly responseHeaders?: Headers | undefined;
  readonly data?: unknown | undefined;
  readonly responseBody?: string | undefined;
  readonly code?: unknown | undefined;
  readonly type?: unknown | undefined;
  readonly cause?: unknown | undefined;
  /** What the server sent in the place of an answer. */
  readonly value?: unknown | undefined;
}

/** The SDK identifies its errors by these names, also across copies of the package. */
const CODES_BY_NAME: ReadonlyMap<unknown, AttemptErrorCode> = new Map([
  ['AI_LoadAPIKeyError', 'missing_api_key'],
  ['AI_LoadSettingError', 'invalid_request'],
  ['AI_NoSuchModelError', 'not_found'],
  ['AI_UnsupportedFunctionalityError', 'invalid_request'],
  ['AI_UnsupportedModelVersionError', 'invalid_request'],
  ['AI_InvalidPromptError', 'invalid_request'],
  ['AI_InvalidArgumentError', 'invalid_request'],
  // The stream ended before the answer did.
  ['AI_NoOutputGeneratedError', 'connection'],
  ['AI_InvalidResponseDataError', 'connection'],
  ['AI_JSONParseError', 'server_error'],
  ['AI_TypeValidationError', 'server_error'],
  ['AI_EmptyResponseBodyError', 'server_error'],
  ['AI_StreamProviderError', 'server_error'],
]);

/** The `RunnerError` of a request that failed, without secrets. */
export async function toRunnerError(
  thrown: unknown,
  { model, options }: { readonly model: LanguageModel; readonly options: AiSdkOptions },
  { answering, usage }: AttemptProgress,
): Promise<RunnerError> {
  if (isStratagemError(thrown)) return thrown as RunnerError;
  const secrets = await secretsOf(model, thrown, [
    ...(options.secrets ?? []),
    ...secretHeaders(options.headers),
  ]);
  const error = Object(thrown) as SdkError;
  const { statusCode: status, responseHeaders: headers } = error;
  const [code, text] = reasonOf(thrown, answering);
  // Cut after the redaction: a part of a secret would not be found.
  const words = shortenWords(redact(text, secrets));
  return redactedError(code, `${labelOf(model)}: ${words}`, thrown, secrets, {
    model: modelNameOf(model),
    ...definedFields({ status, requestId: requestIdOf(headers), usage }),
    ...adviceIn({ headers: { get: (name) => headers?.[name] }, body: bodyOf(error) }),
  });
}

/** The provider's id of a request, under the names that most providers use. */
export function requestIdOf(headers: Headers): string | undefined {
  return headers?.['x-request-id'] ?? headers?.['request-id'] ?? headers?.['apim-request-id'];
}

/** Whether an error is an event without data, which servers send to keep the connection open. */
export function isHeartbeat(error: unknown): boolean {
  const { name, text } = Object(error) as { name?: unknown; text?: unknown };
  return name === 'AI_JSONParseError' && typeof text === 'string' && text.trim() === '';
}

function reasonOf(thrown: unknown, answering: boolean): [AttemptErrorCode, string] {
  const error = Object(thrown) as SdkError;
  const { name = '', message = '', statusCode, cause } = error;
  const isCall = name === 'AI_APICallError';
  // The answer had begun, and the cause interrupted it.
  if (isCall && cause !== undefined && statusCode !== undefined && statusCode < 400) {
    return reasonOf(cause, true);
  }
  const body = readErrorBody(bodyOf(error));
  // The cause of an API error is the failed parsing of its body, which says nothing.
  const words = isCall ? body.message || message : isMisread(error) ? (body.message ?? '') : '';
  // The message about an answer of another shape quotes the words of the model.
  const said = isMisread(error) ? words : words || message;
  const code = codeOfApiError(body.codes, statusCode, said) ?? CODES_BY_NAME.get(name);
  if (code !== undefined) return [code, words || describe(thrown)];
  const problem = headerProblemIn(message);
  if (problem !== undefined) return ['invalid_request', `could not send the request: ${problem}`];
  if (isCall) return ['connection', describe(thrown)];
  // Older providers pass on the error object that the server wrote into the stream.
  if (answering && !(thrown instanceof Error)) return ['server_error', describe(thrown)];
  if (!answering || name.startsWith('AI_')) return ['task_failed', describe(thrown)];
  return ['connection', brokenAnswer(thrown)];
}

/**
 * The error as the server sent it. Providers drop a body that has another shape than they expect, or the
 * fields that they do not know, and keep its text.
 */
function bodyOf(error: SdkError): unknown {
  const { data, responseBody, name, code, type, message, value } = error;
  if (isMisread(error)) return isErrorOfServer(value) ? value : undefined;
  const sent = parsed(responseBody);
  if (readErrorBody(sent).message !== undefined) return sent;
  if (data !== undefined && readErrorBody(data).message !== undefined) return data;
  if (sent !== undefined) return sent;
  return data ?? (name?.startsWith('AI_') ? undefined : { code, type, message });
}

/** Whether the SDK read an error of the server as an answer, and says what is wrong with its fields. */
function isMisread({ name }: SdkError): boolean {
  return name === 'AI_TypeValidationError';
}

function isErrorOfServer(value: unknown): boolean {
  const first = Object(Array.isArray(value) ? value[0] : value);
  return errorIn(first) !== undefined || isBareError(first);
}

/** The JSON of a body, or its text; undefined for none. */
function parsed(body: string | undefined): unknown {
  if (!body) return undefined;
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}
