import type { RunContext } from './context.js';
import { type AttemptErrorCode, RunnerError } from './errors.js';

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

/**
 * How long a server asks to wait, in milliseconds: `retry-after-ms`, or `retry-after` in seconds
 * or as an HTTP date. Undefined when it does not say, or not in a way that can be read.
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
  const milliseconds = parseNumber(headers?.get('retry-after-ms'));
  if (milliseconds !== undefined) return milliseconds;
  const retryAfter = headers?.get('retry-after');
  const seconds = parseNumber(retryAfter);
  if (seconds !== undefined) return seconds * 1_000;
  // A date names its month: without that check, Date.parse takes "-1" for the year 2001.
  const time = /[a-z]/i.test(retryAfter ?? '') ? Date.parse(retryAfter as string) : Number.NaN;
  return Number.isNaN(time) ? undefined : Math.max(0, time - now);
}

function parseNumber(text: string | null | undefined): number | undefined {
  return /^\s*\d+(\.\d+)?\s*$/.test(text ?? '') ? Number(text) : undefined;
}

/** Anything shorter is a placeholder for servers that need no key ("x", "none"), not a secret. */
const SHORTEST_SECRET = 6;
/** How much of a thrown value is searched before it is taken to hold a secret. */
const MOST_VALUES = 2_000;

/** The same text with each of the secrets replaced. */
export function redact(text: string, secrets: readonly string[]): string {
  let redacted = text;
  for (const secret of secrets) {
    if (secret.length >= SHORTEST_SECRET) redacted = redacted.replaceAll(secret, '[redacted]');
  }
  return redacted;
}

/**
 * A thrown value that is fit to be a `cause`: the value itself, or, when one of the secrets is
 * anywhere in it, an error that has only its message and stack, redacted. Servers quote keys in
 * their answers, and a cause's message becomes part of the task's error.
 */
export function redactCause(thrown: unknown, secrets: readonly string[]): unknown {
  const real = secrets.filter((secret) => secret.length >= SHORTEST_SECRET);
  if (real.length === 0 || !mentions(thrown, real)) return thrown;
  const { message, stack } =
    thrown instanceof Error ? thrown : { message: String(thrown), stack: '' };
  const stand = new Error(redact(message, real));
  stand.stack = redact(stack ?? '', real);
  return stand;
}

function mentions(thrown: unknown, secrets: readonly string[]): boolean {
  const seen = new Set<unknown>([thrown]);
  for (const value of seen) {
    if (typeof value === 'string' && secrets.some((secret) => value.includes(secret))) return true;
    if (typeof value !== 'object' || value === null) continue;
    try {
      if (isIterable(value)) for (const item of value) seen.add(item);
      // Also those that are not enumerable: an error's message, stack and cause.
      for (const key of Reflect.ownKeys(value))
        seen.add((value as Record<PropertyKey, unknown>)[key]);
    } catch {
      return true;
    }
    if (seen.size > MOST_VALUES) return true;
  }
  return false;
}

/** Headers and maps show what they hold only when they are iterated over. */
function isIterable(value: object): value is Iterable<unknown> {
  return Symbol.iterator in value && typeof value[Symbol.iterator] === 'function';
}

/** The longest delay a timer takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Does one request within an attempt: stops it when the run does, when `timeoutMs` have passed or
 * when the run's own deadline has, and says which of these it was. The limit holds until the whole
 * answer has been read, which the timeout of an HTTP client usually does not.
 *
 * @param send Makes the request with this signal; `remainingMs` is what is left for it.
 * @throws {RunnerError} `aborted` or `timeout`; otherwise whatever `send` throws.
 *
 * @example
 * const text = await withTimeLimit(context, 60_000, async (signal) => {
 *   const response = await fetch(url, { signal });
 *   return response.text();
 * });
 */
export async function withTimeLimit<T>(
  context: RunContext,
  timeoutMs: number,
  send: (signal: AbortSignal, remainingMs: number) => Promise<T>,
): Promise<T> {
  const { signal, deadline = Number.POSITIVE_INFINITY } = context;
  const leftMs = Math.min(timeoutMs, deadline - Date.now(), MAX_TIMER_MS);
  const remainingMs = Math.max(1, Math.ceil(leftMs));
  const controller = new AbortController();
  let timedOut = false;
  const stop = () => controller.abort(signal.reason);
  const timer = setTimeout(() => {
    timedOut = true;
    controller.abort();
  }, remainingMs);
  signal.addEventListener('abort', stop, { once: true });
  try {
    signal.throwIfAborted();
    return await send(controller.signal, remainingMs);
  } catch (thrown) {
    if (signal.aborted) {
      const { reason: cause } = signal;
      throw new RunnerError('aborted', 'the attempt was stopped before it was answered', { cause });
    }
    if (timedOut) throw new RunnerError('timeout', `no complete answer within ${remainingMs} ms`);
    throw thrown;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}
