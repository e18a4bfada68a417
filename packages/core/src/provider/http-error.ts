import type { AttemptErrorCode } from '../contract/errors.js';

/**
 * The code of an attempt that failed with this HTTP status. What a provider's own error codes say
 * goes before it: a 429 may also mean that there is no credit left.
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
  // Not in any RFC: what Anthropic and several gateways answer when they have no capacity.
  [529, 'overloaded'],
]);

/** No server asks for more than a month: a longer time is something else, such as a time of day. */
const LONGEST_WAIT_MS = 31 * 86_400_000;

/**
 * How long a server asks to wait, in milliseconds: `retry-after-ms`, or `retry-after` in seconds
 * or as an HTTP date. Undefined when it does not say, or not in a way that can be true.
 *
 * @param now Unix time in milliseconds, which a date is compared with.
 *
 * @example
 * parseRetryAfter(new Headers({ 'retry-after': '1.5' })); // 1500
 */
export function parseRetryAfter(
  headers: { get(name: string): string | null | undefined } | undefined,
  now: number = Date.now(),
): number | undefined {
  const waitMs = parseNumber(headers?.get('retry-after-ms')) ?? waitIn(headers, now);
  return waitMs <= LONGEST_WAIT_MS ? waitMs : undefined;
}

/** NaN when it cannot be read. */
function waitIn(
  headers: { get(name: string): string | null | undefined } | undefined,
  now: number,
): number {
  const retryAfter = headers?.get('retry-after') ?? '';
  const seconds = parseNumber(retryAfter);
  if (seconds !== undefined) return seconds * 1_000;
  // A date names its month: without that check, Date.parse takes "-1" for the year 2001.
  return /[a-z]/i.test(retryAfter) ? Math.max(0, Date.parse(retryAfter) - now) : Number.NaN;
}

function parseNumber(text: string | null | undefined): number | undefined {
  return /^\s*\d+(\.\d+)?\s*$/.test(text ?? '') ? Number(text) : undefined;
}
