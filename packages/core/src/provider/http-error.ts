import type { AttemptErrorCode } from '../contract/errors.js';
import { type HeaderSource, timeOfResponse } from '../contract/rate-limits.js';
import { waitUntil } from '../util/duration.js';
import { codeOfMessage } from './error-words.js';
import { durationInWords } from './wait-words.js';

/**
 * The code of an attempt that failed with this HTTP status. A provider's own error code takes
 * precedence (see {@link codeOfApiError}): a 429 may also mean that the credit is used up.
 *
 * @example
 * codeOfStatus(529); // 'overloaded'
 */
export function codeOfStatus(status: number): AttemptErrorCode {
  const code = CODES.get(status);
  if (code !== undefined) return code;
  return status >= 400 && status < 500 ? 'invalid_request' : 'server_error';
}

const CODES: ReadonlyMap<number, AttemptErrorCode> = new Map([
  [401, 'authentication'],
  [402, 'insufficient_quota'],
  [403, 'permission_denied'],
  [404, 'not_found'],
  [408, 'timeout'],
  // Another request holds a lock: the same request succeeds a moment later.
  [409, 'server_error'],
  // A model that is gone.
  [410, 'not_found'],
  [425, 'server_error'],
  [429, 'rate_limited'],
  // Groq's, for no capacity.
  [498, 'overloaded'],
  // Google's and nginx's, for a request that was given up on the way.
  [499, 'connection'],
  [503, 'overloaded'],
  [504, 'timeout'],
  // Cloudflare's, for a server behind it that does not answer.
  [522, 'timeout'],
  [524, 'timeout'],
  // Not in any RFC: Anthropic and several gateways answer with it when they have no capacity.
  [529, 'overloaded'],
]);

/**
 * The code of an error of a model's API; undefined when nothing tells.
 *
 * @param codes The API's own codes and types, the most specific first, in any spelling. They take
 * precedence over the status, as they are more precise, and an error within a stream has no status.
 * A number among them counts as the status of an error without one.
 * @param message The words of the server. A few are more precise than any code, such as "request too
 * large".
 *
 * @example
 * codeOfApiError(['insufficient_quota'], 429); // 'insufficient_quota'
 */
export function codeOfApiError(
  codes: readonly unknown[],
  status: number | undefined,
  message = '',
): AttemptErrorCode | undefined {
  const names = codes.map(nameOf);
  const known = names.find((name) => API_CODES.has(name));
  const stated = status ?? codes.map(Number).find((code) => code >= 400 && code < 600);
  const said = codeOfMessage(message, stated);
  // These are more precise than what servers put beside them.
  if (said !== undefined && PRECISE.includes(said)) return said;
  if (known !== undefined) return API_CODES.get(known);
  if (said !== undefined) return said;
  if (stated !== undefined) return codeOfStatus(stated);
  return names.some((name) => CLIENT_ERRORS.has(name)) ? 'invalid_request' : undefined;
}

/** The codes that words tell better than the codes of servers. */
const PRECISE: readonly AttemptErrorCode[] = [
  'context_length_exceeded',
  'invalid_request',
  'refused',
];

/** `RateLimitError`, `RATE_LIMIT_ERROR` and `rate-limit error` as `rate_limit_error`. */
function nameOf(code: unknown): string {
  if (typeof code !== 'string') return '';
  const words = code.replace(/([a-z\d])([A-Z])/g, '$1_$2').replace(/[^A-Za-z\d]+/g, '_');
  return words.toLowerCase();
}

/** Types of most 4xx answers, so the status says more. */
const CLIENT_ERRORS: ReadonlySet<string> = new Set([
  'invalid_request_error',
  'bad_request_error',
  'bad_request',
  'invalid_argument',
  'unprocessable_entity_error',
]);

/** Codes and types of OpenAI, Anthropic, Google, and servers that are compatible with them. */
const API_CODES: ReadonlyMap<string, AttemptErrorCode> = new Map(
  Object.entries({
    insufficient_quota: [
      'insufficient_quota',
      'insufficient_balance',
      'insufficient_balance_error',
      'insufficient_credits',
      'insufficient_funds',
      'exceeded_current_quota_error',
      'quota_exceeded',
      'usage_limit_reached',
      'usage_limit_exceeded',
      'credit_balance_too_low',
      'credits_exhausted',
      'credits_required',
      'payment_required',
      'arrearage',
      'account_overdue_error',
      'allocation_quota_free_tier_only',
      'billing_hard_limit_reached',
      'billing_not_active',
      'billing_error',
      'budget_exceeded',
      'contract_spend_limit_reached',
      'enforced_spend_limit_reached',
      'spending_limit_reached',
    ],
    authentication: [
      'invalid_api_key',
      'incorrect_api_key',
      'api_key_invalid',
      'authentication_error',
      'invalid_authentication_error',
      'unauthenticated',
      'unauthorized',
    ],
    permission_denied: ['permission_error', 'permission_denied', 'permission_denied_error'],
    not_found: ['model_not_found', 'not_found_error', 'not_found', 'resource_not_found_error'],
    rate_limited: [
      'rate_limit_exceeded',
      'rate_limit_error',
      'rate_limit_reached_error',
      'rate_limited',
      'too_many_requests',
      'resource_exhausted',
      'throttling',
      'throttling_rate_quota',
      'throttling_exception',
    ],
    overloaded: [
      'overloaded_error',
      'overloaded',
      'server_is_overloaded',
      'engine_overloaded_error',
      'engine_overloaded',
      'model_overloaded',
      'server_overloaded',
      'capacity_exceeded',
      'service_tier_capacity_exceeded',
      'resource_unavailable',
      'no_available_capacity',
      'no_capacity',
      'slow_down',
      'unavailable',
      'service_unavailable',
      'service_unavailable_error',
      'service_unavailable_exception',
      'model_not_ready_exception',
    ],
    // Of a job that had no time for a request; a retry may succeed.
    timeout: ['timeout_error', 'timeout', 'deadline_exceeded', 'gateway_timeout', 'batch_expired'],
    invalid_request: ['invalid_prompt', 'request_too_large', 'request_entity_too_large'],
    context_length_exceeded: [
      'context_length_exceeded',
      'context_window_exceeded',
      'exceed_context_size_error',
      'context_window_exceeded_error',
      'model_max_prompt_tokens_exceeded',
      'tokens_limit_reached',
    ],
    refused: [
      'content_filter',
      'content_policy_violation',
      'bio_policy',
      'misalignment_policy_violation',
      'data_inspection_failed',
      'responsible_aipolicy_violation',
      'sensitive_content',
      'moderation_blocked',
    ],
    // Groq's, for an answer of the model that it could not read.
    server_error: ['tool_use_failed', 'json_validate_failed'],
  } satisfies Partial<Record<AttemptErrorCode, readonly string[]>>).flatMap(([code, names]) =>
    names.map((name) => [name, code as AttemptErrorCode] as const),
  ),
);

/** No server asks for more than a month: a larger number means something else, such as a timestamp. */
export const LONGEST_WAIT_MS = 31 * 86_400_000;

/**
 * How long a server asks to wait, in milliseconds: `retry-after-ms`, or `retry-after` in seconds,
 * as a duration (`1m30s`) or as an HTTP date. Undefined when the headers are missing or implausible.
 *
 * @param now The Unix time of the response in milliseconds, to compare a date with. By default it is
 * the server's own, in the header `date`: the clock of this machine may differ from it.
 *
 * @example
 * parseRetryAfter(new Headers({ 'retry-after': '1.5' })); // 1500
 */
export function parseRetryAfter(
  headers: HeaderSource,
  now: number = timeOfResponse(headers),
): number | undefined {
  const inMs = headers?.get('retry-after-ms') ?? headers?.get('x-ms-retry-after-ms');
  const waitMs = parseNumber(inMs) ?? retryAfterOf(headers, now);
  return waitMs <= LONGEST_WAIT_MS ? waitMs : undefined;
}

/** The names of the header that gateways use instead. */
const OTHER_NAMES = ['x-retry-after', 'x-ratelimit-reset-after', 'ratelimit-reset-after'];

/** NaN when the header is missing or cannot be parsed. */
function retryAfterOf(headers: HeaderSource, now: number): number {
  const given = headers && OTHER_NAMES.map((name) => headers.get(name)).find((value) => value);
  const retryAfter = headers?.get('retry-after') ?? given ?? '';
  // A header that arrives twice is a list; a date has a comma, too.
  const [first = ''] = retryAfter.split(',');
  const seconds = parseNumber(first);
  if (seconds !== undefined) return waitUntil(seconds, now) ?? seconds * 1_000;
  const durationMs = durationInWords(retryAfter);
  if (durationMs !== undefined) return durationMs;
  // A date contains letters. Without this check, Date.parse reads "-1" as the year 2001.
  return /[a-z]/i.test(retryAfter) ? Math.max(0, Date.parse(retryAfter) - now) : Number.NaN;
}

function parseNumber(text: string | null | undefined): number | undefined {
  return /^\s*\d+(\.\d+)?\s*$/.test(text ?? '') ? Number(text) : undefined;
}
