import { parseDuration, waitUntil } from '../util/duration.js';
import { standardRateLimit } from './standard-rate-limit.js';

/** The rate limits that a server announced with a response. */
export interface RateLimits {
  readonly requests?: RateLimit | undefined;
  /** Input and output tokens together. */
  readonly tokens?: RateLimit | undefined;
  readonly inputTokens?: RateLimit | undefined;
  readonly outputTokens?: RateLimit | undefined;
}

/** One limit. Values that the server did not send, or that cannot be true, are left out. */
export interface RateLimit {
  /** The amount per window. */
  readonly limit?: number | undefined;
  /** The amount that is left. */
  readonly remaining?: number | undefined;
  /** Time until the whole limit is available again, in milliseconds after the response. */
  readonly resetMs?: number | undefined;
}

/**
 * Reads the rate limits in the headers of a response: OpenAI's `x-ratelimit-{limit,remaining,reset}-{requests,
 * tokens}`, which most compatible servers send too, and Anthropic's `anthropic-ratelimit-{requests,
 * tokens,input-tokens,output-tokens}-{limit,remaining,reset}`. Headers without a suffix count requests:
 * `x-ratelimit-{limit,remaining,reset}`, `ratelimit-{limit,remaining,reset}`, and the IETF's `ratelimit`
 * with `ratelimit-policy`. Resets may be durations (`12ms`, `1h2m3.5s`), seconds, or times. Headers that
 * name the window (`-requests-day`, `-tokens-minute`, `-req-minute`) count where the others are missing. Values that
 * cannot be true, such as a limit of 0 or -1, are left out.
 *
 * @returns undefined when there are none.
 *
 * @param now The Unix time of the response in milliseconds, to compare times with. By default it is the
 * server's own, in the header `date`: the clock of this machine may differ from it.
 *
 * @example
 * parseRateLimits(
 *   new Headers({
 *     'x-ratelimit-limit-requests': '600',
 *     'x-ratelimit-remaining-requests': '599',
 *     'x-ratelimit-reset-requests': '100ms',
 *   }),
 * ); // { requests: { limit: 600, remaining: 599, resetMs: 100 } }
 */
export function parseRateLimits(
  headers: HeaderSource,
  now?: number | undefined,
): RateLimits | undefined {
  if (headers instanceof Headers && !namesLimits(headers)) return undefined;
  return readRateLimits(headers, now ?? timeOfResponse(headers));
}

/** Most servers announce none: looking for each name costs more than all other work with a response. */
function namesLimits(headers: Headers): boolean {
  for (const name of headers.keys()) if (name.includes('ratelimit')) return true;
  return false;
}

function readRateLimits(headers: HeaderSource, now: number): RateLimits | undefined {
  const limits: { -readonly [Name in keyof RateLimits]: RateLimit } = {};
  for (const [name, spelling] of SPELLINGS) {
    const read = (field: string) =>
      headers?.get(`x-ratelimit-${field}-${spelling}`) ??
      headers?.get(`anthropic-ratelimit-${spelling}-${field}`);
    const limit = rateLimitOf(read('limit'), read('remaining'), read('reset'), now);
    if (limit !== undefined) limits[name] = limit;
  }
  const requests =
    limits.requests ??
    unsuffixedLimit(headers, now) ??
    standardRateLimit(headers?.get('ratelimit'), headers?.get('ratelimit-policy'));
  if (requests !== undefined) limits.requests = requests;
  if (Object.keys(limits).length === 0) readWindows(headers, now, limits);
  return Object.keys(limits).length > 0 ? limits : undefined;
}

/** Amounts that headers count by the window, the shortest first. */
const WINDOWS: readonly ['requests' | 'tokens', string][] = [
  ['requests', 'requests-minute'],
  ['requests', 'req-minute'],
  ['requests', 'minute'],
  ['tokens', 'tokens-minute'],
  ['requests', 'requests-hour'],
  ['tokens', 'tokens-hour'],
  ['requests', 'requests-day'],
  ['tokens', 'tokens-day'],
];

/** Cerebras, Mistral and some gateways count each window. An exhausted longer one comes before the minute. */
function readWindows(
  headers: HeaderSource,
  now: number,
  limits: { -readonly [Name in keyof RateLimits]: RateLimit },
): void {
  for (const [name, window] of WINDOWS) {
    const read = (field: string) => headers?.get(`x-ratelimit-${field}-${window}`);
    const limit = rateLimitOf(read('limit'), read('remaining'), read('reset'), now);
    if (limit === undefined) continue;
    if (window.endsWith('minute') ? limits[name] === undefined : limit.remaining === 0) {
      limits[name] = limit;
    }
  }
}

/** When the server answered, by its own clock if it says so, as Unix time in milliseconds. */
export function timeOfResponse(headers: HeaderSource): number {
  return Date.parse(headers?.get('date') ?? '') || Date.now();
}

const SPELLINGS: readonly [keyof RateLimits, string][] = [
  ['requests', 'requests'],
  ['tokens', 'tokens'],
  ['inputTokens', 'input-tokens'],
  ['outputTokens', 'output-tokens'],
];

/** The headers of a response. */
export type HeaderSource = { get(name: string): string | null | undefined } | undefined;
/** A copy of rate limits from outside, with their own fields alone; undefined when there are none. */
export function rateLimitsOf(value: unknown): RateLimits | undefined {
  const limits: { -readonly [Name in keyof RateLimits]: RateLimit } = {};
  for (const [name] of SPELLINGS) {
    const { limit, remaining, resetMs } = Object(Object(value)[name]) as RateLimit;
    const amounts = Object.entries({ limit, remaining, resetMs }).filter(
      ([, amount]) => Number.isFinite(amount) && (amount as number) >= 0,
    );
    if (amounts.length > 0) limits[name] = Object.freeze(Object.fromEntries(amounts));
  }
  return Object.keys(limits).length > 0 ? Object.freeze(limits) : undefined;
}

type Header = string | null | undefined;

function rateLimitOf(
  limitHeader: Header,
  remainingHeader: Header,
  resetHeader: Header,
  now: number,
): RateLimit | undefined {
  // A reset alone is useless.
  if (!limitHeader && !remainingHeader) return undefined;
  const limit = countOf(limitHeader) || undefined;
  const remaining = countOf(remainingHeader);
  const resetMs = durationOf(resetHeader, now);
  // Servers without limits send 0 alone; a value above the limit belongs to another limit.
  const isReal =
    limit === undefined ? remaining !== 0 || Boolean(resetMs) : (remaining ?? 0) <= limit;
  const known = isReal ? remaining : undefined;
  if (limit === undefined && known === undefined) return undefined;
  return {
    ...(limit !== undefined && { limit }),
    ...(known !== undefined && { remaining: known }),
    ...(resetMs !== undefined && { resetMs }),
  };
}

function countOf(header: Header): number | undefined {
  const text = header?.trim() ?? '';
  const count = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(count) ? count : undefined;
}

/** No provider has windows of more than a month: a longer time was misread. */
const LONGEST_RESET_MS = 31 * 86_400_000;

function durationOf(header: Header, now: number): number | undefined {
  const text = header?.trim() ?? '';
  const resetMs = durationIn(text, now);
  return resetMs <= LONGEST_RESET_MS ? resetMs : undefined;
}

/** NaN for an unknown format. */
function durationIn(text: string, now: number): number {
  const seconds = countOf(text);
  if (seconds !== undefined) return waitUntil(seconds, now) ?? seconds * 1_000;
  // Date.parse accepts many other texts, so check that this is a date first.
  if (/^(\d{4}-\d\d-\d\dT|[a-z]{3}, \d\d )/i.test(text)) return Math.max(0, Date.parse(text) - now);
  return parseDuration(text);
}

/** Headers that name no amount. */
function unsuffixedLimit(headers: HeaderSource, now: number): RateLimit | undefined {
  const read = (field: string) =>
    headers?.get(`x-ratelimit-${field}`) ?? headers?.get(`ratelimit-${field}`);
  // The limit may be a list: "100, 100;w=60".
  const [limit] = read('limit')?.split(/[,;]/) ?? [];
  return rateLimitOf(limit, read('remaining'), read('reset'), now);
}
