import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readErrorBody, shortenWords } from './error-body.js';
import { codeOfApiError } from './http-error.js';
import { adviceIn } from './retry-advice.js';

const waitIn = (body: unknown, headers: Record<string, string> = {}) =>
  adviceIn({ headers: new Headers(headers), body }).retryAfterMs;

test.each<[string, number | undefined]>([
  ['Rate limit reached for gpt-4o on tokens per min. Please try again in 7.66s. Visit …', 7_660],
  ['Please try again in 1m30s.', 90_000],
  ['Please try again in 20ms', 20],
  ['Please try again in 7m12.5s. Need more tokens?', 432_500],
  ['Please retry in 36.912651514s.', 36_912.651514],
  ['Please retry after 26 seconds.', 26_000],
  ['Retry after 2 minutes', 120_000],
  ['Try again in 1 hour.', 3_600_000],
  ['Please wait 30 seconds and send it again', 30_000],
  ['Please try again in 1 hour 4 minutes.', 3_840_000],
  ['Please try again in 6m 12s', 372_000],
  ['Try again in 1 minute and 30 seconds.', 90_000],
  ['Retry in 2 days.', 172_800_000],
  ['Retry after 500 milliseconds', 500],
  ['Out of call volume quota. Quota will be replenished in 00:02:30.', 150_000],
  ['Please try again in -3 seconds', undefined],
  ['Please try again later.', undefined],
  ['Please try again in 5 apples', undefined],
  ['Please try again in 9999999 hours', undefined],
  ['You sent 7s of audio', undefined],
])('"%s" asks to wait for %s ms', (message, waitMs) => {
  expect(waitIn({ error: { message } })).toBe(waitMs);
});

test.each<[object, number | undefined]>([
  [
    [
      {
        error: {
          code: 429,
          status: 'RESOURCE_EXHAUSTED',
          message: 'You exceeded your current quota.',
          details: [
            { '@type': 'type.googleapis.com/google.rpc.Help', links: [] },
            { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34.07s' },
          ],
        },
      },
    ],
    34_070,
  ],
  [{ error: { message: 'No.', retry_after: 1.5 } }, 1_500],
  [{ message: 'No.', retry_after_ms: 250 }, 250],
  [{ detail: 'No.', retryAfter: '1m30s' }, 90_000],
  [{ error: { type: 'usage_limit_reached', resets_in_seconds: 5 } }, 5_000],
  [{ error: { metadata: { headers: { 'Retry-After': '12' } } } }, 12_000],
  [{ error: { message: 'No.' }, retry_after: 9 }, 9_000],
  [{ error: 'The model is currently loading', estimated_time: 20.5 }, 20_500],
  [{ error: { message: 'No.', details: { retry_after_ms: 700 } } }, 700],
  [{ detail: { message: 'No.', retry_after: 4 } }, 4_000],
  [{ error: { details: [{ retryDelay: { seconds: '12', nanos: 500_000_000 } }] } }, 12_500],
  [{ error: { resets_at: 1 } }, undefined],
  [{ error: { retry_after: -1 } }, undefined],
  [{ error: { retry_after: null, retryDelay: 'soon' } }, undefined],
  [{ error: 'No.' }, undefined],
  [[], undefined],
])('the body %j asks to wait for %s ms', (body, waitMs) => {
  expect(waitIn(body)).toBe(waitMs);
});

test('a proxied reset is a Unix time', () => {
  const headers = { 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': `${Date.now() + 60_000}` };
  const waitMs = waitIn({ error: { code: 429, metadata: { headers } } }) as number;
  expect(Math.ceil(waitMs / 1_000)).toBe(60);
});

test.each([
  ['resets_at', () => Math.ceil(Date.now() / 1_000) + 60],
  ['reset_time', () => new Date(Date.now() + 60_000).toISOString()],
])('the field %s is a time', (name, timeOf) => {
  const waitMs = waitIn({ error: { [name]: timeOf() } }) as number;
  expect(Math.round(waitMs / 10_000)).toBe(6);
});

test('headers come before the body, and the body before exhausted limits', () => {
  const body = { error: { message: 'Please try again in 7.66s' } };
  const exhausted = {
    'x-ratelimit-limit-requests': '500',
    'x-ratelimit-remaining-requests': '499',
    'x-ratelimit-reset-requests': '9m',
    'x-ratelimit-limit-tokens': '30000',
    'x-ratelimit-remaining-tokens': '0',
    'x-ratelimit-reset-tokens': '1m0s',
  };
  expect(waitIn(body, { ...exhausted, 'retry-after': '3s' })).toBe(3_000);
  expect(waitIn(body, exhausted)).toBe(7_660);
  expect(waitIn(undefined, exhausted)).toBe(60_000);
  expect(waitIn(undefined, { ratelimit: '"default";r=0;t=30' })).toBe(30_000);
});

test.each([
  ['true', true],
  ['False', false],
  ['perhaps', undefined],
])('x-should-retry: %s', (value, isRetryable) => {
  const headers = new Headers({ 'x-should-retry': value });
  expect(adviceIn({ headers }).isRetryable).toBe(isRetryable);
});

test.each([
  ['x-retry-after', '8', 8_000],
  ['x-ratelimit-reset-after', '2.5', 2_500],
  ['ratelimit-reset-after', '1m', 60_000],
  ['x-ms-retry-after-ms', '350', 350],
])('the header %s with %s asks to wait for %d ms', (name, value, waitMs) => {
  expect(waitIn({}, { [name]: value })).toBe(waitMs);
  expect(waitIn({}, { [name]: value, 'retry-after': '1' })).toBe(
    name.endsWith('-ms') ? 350 : 1_000,
  );
});

test('any body is read, and asks to wait for a plausible time or for none', () => {
  const names = ['error', 'errors', 'message', 'detail', 'details', 'metadata', 'headers', 'msg'];
  const fields = ['retry_after', 'retryDelay', 'retry_after_ms', 'resets_at', 'seconds', 'raw'];
  const key = fc.constantFrom(...names, ...fields, 'code', 'type', 'status');
  const value = fc.anything({ key, withNullPrototype: true, maxDepth: 4 });
  fc.assert(
    fc.property(value, (body) => {
      const { retryAfterMs = 0 } = adviceIn({ headers: new Headers(), body });
      expect(retryAfterMs >= 0 && retryAfterMs <= 31 * 86_400_000).toBe(true);
      const { codes, message } = readErrorBody(body);
      expect(codeOfApiError(codes, 429, message)).toBeDefined();
      expect(shortenWords(message ?? '').length).toBeLessThanOrEqual(300);
    }),
    { numRuns: 300 },
  );
});
