import type { AttemptErrorCode } from '../contract/errors.js';
import { timeOfResponse } from '../contract/rate-limits.js';

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
  [429, 'rate_limited'],
  [503, 'overloaded'],
  [504, 'timeout'],
  // Not in any RFC: Anthropic and several gateways answer with it when they have no capacity.
  [529, 'overloaded'],
]);

/**
 * The code of an error of a model's API; undefined when nothing tells.
 *
 * @param codes The API's own codes and types, the most specific first. They take precedence over
 * the status, as they are more precise, and an error within a stream has no status.
 *
 * @example
 * codeOfApiError(['insufficient_quota'], 429); // 'insufficient_quota'
 */
export function codeOfApiError(
  codes: readonly unknown[],
  status: number | undefined,
): AttemptErrorCode | undefined {
  for (const code of codes) {
    const known = API_CODES.get(code);
    if (known !== undefined) return known;
  }
  if (status !== undefined) return codeOfStatus(status);
  return codes.includes(ANY_CLIENT_ERROR) ? 'invalid_request' : undefined;
}

/** OpenAI uses this type for most 4xx answers, so the status says more. */
const ANY_CLIENT_ERROR = 'invalid_request_error';

/** Codes and types of OpenAI, Anthropic, and servers that are compatible with them. */
const API_CODES: ReadonlyMap<unknown, AttemptErrorCode> = new Map([
  ['insufficient_quota', 'insufficient_quota'],
  ['billing_hard_limit_reached', 'insufficient_quota'],
  ['billing_not_active', 'insufficient_quota'],
  ['billing_error', 'insufficient_quota'],
  ['contract_spend_limit_reached', 'insufficient_quota'],
  ['enforced_spend_limit_reached', 'insufficient_quota'],
  ['invalid_api_key', 'authentication'],
  ['authentication_error', 'authentication'],
  ['permission_error', 'permission_denied'],
  ['model_not_found', 'not_found'],
  ['not_found_error', 'not_found'],
  ['rate_limit_exceeded', 'rate_limited'],
  ['rate_limit_error', 'rate_limited'],
  ['overloaded_error', 'overloaded'],
  ['timeout_error', 'timeout'],
  ['invalid_prompt', 'invalid_request'],
  ['context_length_exceeded', 'invalid_request'],
  ['content_filter', 'refused'],
  ['content_policy_violation', 'refused'],
  ['bio_policy', 'refused'],
  ['misalignment_policy_violation', 'refused'],
]);

/** No server asks for more than a month: a larger number means something else, such as a timestamp. */
const LONGEST_WAIT_MS = 31 * 86_400_000;

/**
 * How long a server asks to wait, in milliseconds: `retry-after-ms`, or `retry-after` in seconds
 * or as an HTTP date. Undefined when the headers are missing or implausible.
 *
 * @param now The Unix time of the response in milliseconds, to compare a date with. By default it is
 * the server's own, in the header `date`: the clock of this machine may differ from it.
 *
 * @example
 * parseRetryAfter(new Headers({ 'retry-after': '1.5' })); // 1500
 */
export function parseRetryAfter(
  headers: { get(name: string): string | null | undefined } | undefined,
  now: number = timeOfResponse(headers),
): number | undefined {
  const waitMs = parseNumber(headers?.get('retry-after-ms')) ?? retryAfterOf(headers, now);
  return waitMs <= LONGEST_WAIT_MS ? waitMs : undefined;
}

/** NaN when the header is missing or cannot be parsed. */
function retryAfterOf(
  headers: { get(name: string): string | null | undefined } | undefined,
  now: number,
): number {
  const retryAfter = headers?.get('retry-after') ?? '';
  const seconds = parseNumber(retryAfter);
  if (seconds !== undefined) return seconds * 1_000;
  // A date contains letters. Without this check, Date.parse reads "-1" as the year 2001.
  return /[a-z]/i.test(retryAfter) ? Math.max(0, Date.parse(retryAfter) - now) : Number.NaN;
}

function parseNumber(text: string | null | undefined): number | undefined {
  return /^\s*\d+(\.\d+)?\s*$/.test(text ?? '') ? Number(text) : undefined;
}
