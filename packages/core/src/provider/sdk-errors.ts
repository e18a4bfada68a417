import {
  type AttemptErrorCode,
  describe,
  isStratagemError,
  RunnerError,
  type RunnerErrorDetails,
} from '../contract/errors.js';
import { parseRateLimits } from '../contract/rate-limits.js';
import { definedFields } from './defined-fields.js';
import { parseRetryAfter } from './http-error.js';
import type { SdkOptions } from './model-options.js';
import { redact, redactCause } from './redact.js';
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
  { sdk, client, options, model, label }: SdkTarget<Client, SdkOptions<Client>>,
  { requestId, answering }: RequestProgress,
): RunnerError {
  if (isStratagemError(thrown)) return thrown as RunnerError;
  const classes = errorClassesOf(client);
  const endpoint = endpointOf(client.baseURL).replace(/\/$/, '');
  const secrets = secretsOfClient(sdk, client);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const fail = (code: AttemptErrorCode, text: string, details: RunnerErrorDetails = {}) =>
    redactedError(code, `${label}: ${text}`, thrown, secrets, {
      ...definedFields({ requestId }),
      model,
      ...details,
    });

  if (thrown instanceof classes.APIConnectionTimeoutError) return fail('timeout', message);
  if (thrown instanceof classes.APIConnectionError) {
    return fail('connection', `no connection to ${endpoint}: ${describe(thrown)}`);
  }
  if (thrown instanceof classes.APIUserAbortError) return fail('aborted', message);
  if (thrown instanceof classes.APIError) {
    const error = thrown as SdkError;
    const code = sdk.codeOf(error);
    const advice = {
      not_found: ` (is there a model "${model}" at ${endpoint}?)`,
      authentication:
        options.client !== undefined || options.apiKey !== undefined
          ? ' (check the API key)'
          : ` (check the environment variable ${sdk.environment}_API_KEY)`,
    }[code as string];
    return fail(code, (sdk.messageOf?.(error) ?? message) + (advice ?? ''), {
      ...(error.status !== undefined && { status: error.status }),
      ...(error.requestID != null && { requestId: error.requestID }),
      ...adviceIn(error.headers),
    });
  }
  if (!answering) {
    const unsent = options.client === undefined ? sdk.unsentError?.(thrown, client) : undefined;
    return unsent ?? fail('invalid_request', `could not send the request: ${message}`);
  }
  // The SDK could not parse the stream.
  if (thrown instanceof SyntaxError) return fail('server_error', message);
  return fail('connection', brokenAnswer(thrown));
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

/** What the headers of an error say about the next request. */
export function adviceIn(
  headers: { get(name: string): string | null | undefined } | undefined,
): Pick<RunnerErrorDetails, 'retryAfterMs' | 'rateLimits'> {
  if (headers === undefined) return {};
  return definedFields({
    retryAfterMs: parseRetryAfter(headers),
    rateLimits: parseRateLimits(headers),
  });
}
