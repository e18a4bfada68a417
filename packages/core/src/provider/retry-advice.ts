import type { RunnerErrorDetails } from '../contract/errors.js';
import { type HeaderSource, parseRateLimits, type RateLimits } from '../contract/rate-limits.js';
import { waitUntil } from '../util/duration.js';
import { definedFields } from './defined-fields.js';
import { listOf, readErrorBody } from './error-body.js';
import { LONGEST_WAIT_MS, parseRetryAfter } from './http-error.js';
import { durationInWords, waitInWords } from './wait-words.js';

/** A failed response, as far as it arrived. */
export interface FailedResponse {
  readonly headers?: HeaderSource;
  /** The body, or the error in it. */
  readonly body?: unknown;
}

type Advice = Pick<RunnerErrorDetails, 'retryAfterMs' | 'rateLimits' | 'isRetryable'>;

/**
 * What a failed response says about the next request: how long to wait, whether to send it at all, and
 * the rate limits. The wait is in the headers, in a field of the body, or in the words of the error.
 * Where nothing is left of a limit, it is the time until that limit resets.
 */
export function adviceIn({ headers, body }: FailedResponse): Advice {
  const rateLimits = parseRateLimits(headers);
  const { fields, message } = readErrorBody(body);
  const retryAfterMs =
    parseRetryAfter(headers) ??
    plausible(waitInFields(fields, Date.now())) ??
    plausible(waitInWords(message ?? '')) ??
    resetOf(rateLimits);
  const isRetryable = FLAGS[headers?.get('x-should-retry')?.toLowerCase() ?? ''];
  return definedFields({ retryAfterMs, rateLimits, isRetryable });
}

const FLAGS: Readonly<Record<string, boolean>> = { true: true, false: false };

function plausible(waitMs: number | undefined): number | undefined {
  return waitMs !== undefined && waitMs >= 0 && waitMs <= LONGEST_WAIT_MS ? waitMs : undefined;
}

/** Fields in seconds, as a number or a duration. */
const IN_SECONDS = [
  'retryDelay',
  'retry_delay',
  'retry_after',
  'retryAfter',
  'retry_after_seconds',
  'resets_in_seconds',
  // Of a server that loads the model.
  'estimated_time',
];
const IN_MS = ['retry_after_ms', 'retryAfterMs'];
/** Fields with a time: a Unix time or a date. */
const TIMES = ['resets_at', 'reset_at', 'reset_time', 'retry_at'];

function waitInFields(fields: Readonly<Record<string, unknown>>, now: number): number | undefined {
  const { detail, details, metadata } = fields;
  for (const place of [fields, ...listOf(details), details, detail, metadata]) {
    const given = Object(place) as Record<string, unknown>;
    for (const name of IN_MS) if (typeof given[name] === 'number') return given[name];
    for (const name of IN_SECONDS) {
      const waitMs = durationOf(given[name]);
      if (waitMs !== undefined) return waitMs;
    }
    for (const name of TIMES) {
      const waitMs = untilOf(given[name], now);
      if (waitMs !== undefined) return waitMs;
    }
  }
  // OpenRouter repeats the headers of the server behind it.
  const { headers } = Object(metadata) as { headers?: Record<string, unknown> };
  if (typeof headers !== 'object' || headers === null) return undefined;
  const byName = new Map(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
  const source = { get: (name: string) => byName.get(name) };
  return parseRetryAfter(source, now) ?? resetOf(parseRateLimits(source, now));
}

function durationOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value * 1_000;
  if (typeof value === 'string') {
    const text = value.trim();
    return /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1_000 : durationInWords(text);
  }
  // A duration of Google as an object.
  const { seconds, nanos = 0 } = Object(value) as { seconds?: unknown; nanos?: unknown };
  if (seconds === undefined) return undefined;
  const waitMs = Number(seconds) * 1_000 + Number(nanos) / 1e6;
  return Number.isNaN(waitMs) ? undefined : waitMs;
}

function untilOf(value: unknown, now: number): number | undefined {
  if (typeof value === 'number') return waitUntil(value, now);
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT/.test(value)) return undefined;
  return Math.max(0, Date.parse(value) - now);
}

/** How long until the limits of which nothing is left are available again. */
function resetOf(limits: RateLimits | undefined): number | undefined {
  const resets = Object.values(limits ?? {}).flatMap((limit) =>
    limit.remaining === 0 && limit.resetMs ? [limit.resetMs] : [],
  );
  return resets.length > 0 ? Math.max(...resets) : undefined;
}
