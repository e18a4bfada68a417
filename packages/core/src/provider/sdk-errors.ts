import {
  type AttemptErrorCode,
  describe,
  isStratagemError,
  RunnerError,
  type RunnerErrorDetails,
} from '../contract/errors.js';
import { ServerFailure, UnreadableAnswer } from './answer-body.js';
import { definedFields } from './defined-fields.js';
import { readErrorBody, shortenWords } from './error-body.js';
import { codeOfApiError } from './http-error.js';
import { NOT_IN_HEADERS, type SdkOptions } from './model-options.js';
import { redact, redactCause, secretHeaders } from './redact.js';
import { adviceIn } from './retry-advice.js';
import type { SdkClient, SdkError, SdkErrorClasses, SdkTarget } from './sdk.js';
import { endpointOf, secretsOfClient } from './sdk-client.js';

/** How far a request had got when it failed. */
export interface RequestProgress {
  readonly requestId?: string | undefined;
  /** Whether the answer had begun. */
  readonly answering: boolean;
}

/** The error classes of this very client. */
export function errorClassesOf(client: SdkClient): SdkErrorClasses {
  return client.constructor as unknown as SdkErrorClasses;
}

/** The `RunnerError` of a request that failed, without secrets. */
export function sdkRunnerError<Client extends SdkClient>(
  thrown: unknown,
  target: SdkTarget<Client, SdkOptions<Client>>,
  { requestId, answering }: RequestProgress,
): RunnerError {
  if (isStratagemError(thrown)) return thrown as RunnerError;
  const { sdk, client, options, model, label } = target;
  const classes = errorClassesOf(client);
  const secrets = [...secretsOfClient(sdk, client), ...secretHeaders(options.headers)];
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const fail: Fail = (code, text, details = {}) =>
    redactedError(code, `${label}: ${text}`, thrown, secrets, {
      ...definedFields({ requestId }),
      model,
      ...details,
    });

  if (thrown instanceof classes.APIConnectionTimeoutError) return fail('timeout', message);
  if (thrown instanceof classes.APIConnectionError) {
    return fail('connection', `no connection to ${endpointOfClient(client)}: ${describe(thrown)}`);
  }
  if (thrown instanceof classes.APIUserAbortError) return fail('aborted', message);
  if (thrown instanceof classes.APIError || thrown instanceof ServerFailure) {
    return errorOfServer(thrown, target, secrets, fail);
  }
  if (!answering) {
    const unsent = options.client === undefined ? sdk.unsentError?.(thrown, client) : undefined;
    const why = headerProblemIn(message) ?? message;
    return unsent ?? fail('invalid_request', `could not send the request: ${why}`);
  }
  if (thrown instanceof UnreadableAnswer) return errorOfBody(thrown, secrets, fail);
  // The SDK could not parse the stream.
  if (thrown instanceof SyntaxError) return fail('server_error', message);
  return fail('connection', brokenAnswer(thrown));
}

/** What is wrong with a header, where the message of `fetch` or of an SDK says it in its own terms. */
export function headerProblemIn(message: string): string | undefined {
  if (!/ByteString|invalid header value/.test(message)) return undefined;
  return `the API key or a header has ${NOT_IN_HEADERS}`;
}

/** Makes the error of one request. */
type Fail = (code: AttemptErrorCode, text: string, details?: RunnerErrorDetails) => RunnerError;

/** The server answered with an error. */
function errorOfServer<Client extends SdkClient>(
  thrown: Error,
  { sdk, client, options, model }: SdkTarget<Client, SdkOptions<Client>>,
  secrets: readonly string[],
  fail: Fail,
): RunnerError {
  const { error: body, status, requestID, headers } = thrown as SdkError;
  const said = readErrorBody(body);
  const words = said.message ?? thrown.message;
  const code = codeOfApiError(said.codes, status, words) ?? 'server_error';
  const endpoint = endpointOfClient(client);
  const problem = sdk.problemOfPath(new URL(endpoint).pathname);
  const advice = {
    not_found:
      problem === undefined
        ? ` (is there a model "${model}" at ${endpoint}?)`
        : ` (the base URL ${endpoint} ${problem})`,
    authentication:
      options.client !== undefined || options.apiKey !== undefined
        ? ' (check the API key)'
        : ` (check the environment variable ${sdk.environment}_API_KEY)`,
  }[code as string];
  // Cut after the redaction: a part of a secret would not be found.
  const text = shortenWords(redact(withoutStatus(words, status), secrets));
  const shown = status === undefined ? text : `${status} ${withoutStatus(text, status)}`;
  return fail(code, shown + (advice ?? ''), {
    ...(status !== undefined && { status }),
    ...(requestID != null && { requestId: requestID }),
    ...adviceIn({ headers, body }),
  });
}

/** The body of the answer is neither a stream nor JSON. */
function errorOfBody(
  { text, contentType }: UnreadableAnswer,
  secrets: readonly string[],
  fail: Fail,
): RunnerError {
  const words = shortenWords(redact(text, secrets));
  if (/^[[{]/.test(words)) return fail('server_error', 'the JSON of the answer is broken');
  const code = codeOfApiError([], undefined, words) ?? 'server_error';
  const type = contentType || 'no JSON';
  return fail(code, `the server answered with ${type}; is the base URL right? It says: ${words}`);
}

function endpointOfClient({ baseURL }: SdkClient): string {
  return endpointOf(baseURL).replace(/\/$/, '');
}

/** SDKs and the titles of error pages begin with the status too. */
function withoutStatus(text: string, status: number | undefined): string {
  return text.replace(new RegExp(`^${status}\\s+`), '');
}

/** The message of a connection that broke while the answer arrived. */
export function brokenAnswer(thrown: unknown): string {
  return `the connection broke in the middle of the answer: ${describe(thrown)}`;
}

/** An error whose message and cause contain none of the secrets. */
export function redactedError(
  code: AttemptErrorCode,
  message: string,
  thrown: unknown,
  secrets: readonly string[],
  details: RunnerErrorDetails,
): RunnerError {
  const cause = redactCause(thrown, secrets);
  return new RunnerError(code, redact(message, secrets), { cause, ...definedFields(details) });
}
