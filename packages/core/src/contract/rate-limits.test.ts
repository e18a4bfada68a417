import { describe, expect, test } from 'vitest';
import { parseRateLimits } from './rate-limits.js';

const now = Date.UTC(2026, 10, 23, 12, 0, 0);

function parse(headers: Record<string, string>) {
  return parseRateLimits(new Headers(headers), now);
}

test('reads the headers of OpenAI', () => {
  const limits = parse({
    'x-ratelimit-limit-requests': '600',
    'x-ratelimit-remaining-requests': '599',
    'x-ratelimit-reset-requests': '100ms',
    'x-ratelimit-limit-tokens': '150000',
    'x-ratelimit-remaining-tokens': '149984',
    'x-ratelimit-reset-tokens': '6m0s',
  });
  expect(limits).toEqual({
    requests: { limit: 600, remaining: 599, resetMs: 100 },
    tokens: { limit: 150_000, remaining: 149_984, resetMs: 360_000 },
  });
});

test('reads the headers of Anthropic', () => {
  const limits = parse({
    'anthropic-ratelimit-requests-limit': '50',
    'anthropic-ratelimit-requests-remaining': '49',
    'anthropic-ratelimit-requests-reset': '2026-11-23T12:00:01Z',
    'anthropic-ratelimit-tokens-limit': '38000',
    'anthropic-ratelimit-tokens-remaining': '38000',
    'anthropic-ratelimit-tokens-reset': '2026-11-23T12:00:00Z',
    'anthropic-ratelimit-input-tokens-limit': '30000',
    'anthropic-ratelimit-input-tokens-remaining': '29000',
    'anthropic-ratelimit-input-tokens-reset': '2026-11-23T13:00:02.500+01:00',
    'anthropic-ratelimit-output-tokens-limit': '8000',
    'anthropic-ratelimit-output-tokens-remaining': '0',
    'anthropic-ratelimit-output-tokens-reset': '2026-11-23T12:01:00Z',
  });
  expect(limits).toEqual({
    requests: { limit: 50, remaining: 49, resetMs: 1_000 },
    tokens: { limit: 38_000, remaining: 38_000, resetMs: 0 },
    inputTokens: { limit: 30_000, remaining: 29_000, resetMs: 2_500 },
    outputTokens: { limit: 8_000, remaining: 0, resetMs: 60_000 },
  });
});

describe('a reset of', () => {
  test.each([
    ['12ms', 12],
    ['1s', 1_000],
    ['6m0s', 360_000],
    ['1h2m3.5s', 3_723_500],
    ['7m12s', 432_000],
    ['1d2h', 93_600_000],
    ['8.64s', 8_640],
    ['250us', 0.25],
    ['250µs', 0.25],
    ['0s', 0],
    ['1', 1_000],
    ['0.5', 500],
    [' 2 ', 2_000],
    ['2026-11-23T12:00:30Z', 30_000],
    ['2026-11-23T11:59:30Z', 0],
    ['-1', undefined],
    ['-5s', undefined],
    ['1s ago', undefined],
    ['soon', undefined],
    ['', undefined],
    ['s', undefined],
    ['1e3', undefined],
    ['NaN', undefined],
    ['Infinity', undefined],
    ['2026-99-99T12:00:00Z', undefined],
    ['2126-11-23T12:00:00Z', undefined],
    [String(now / 1_000 + 30), 30_000],
    [String(now + 30_500), 30_500],
    ['Mon, 23 Nov 2026 12:00:30 GMT', 30_000],
    ['1999999999', undefined],
    ['100d', undefined],
  ])('"%s" is %s ms', (text, resetMs) => {
    const limits = parse({
      'x-ratelimit-limit-requests': '600',
      'x-ratelimit-reset-requests': text,
    });
    expect(limits).toEqual({ requests: { limit: 600, ...(resetMs !== undefined && { resetMs }) } });
  });
});

describe('values that cannot be true are left out:', () => {
  test.each([
    ['600', '0', { limit: 600, remaining: 0 }],
    ['600', '600', { limit: 600, remaining: 600 }],
    ['600', '-1', { limit: 600 }],
    ['600', '601', { limit: 600 }],
    ['600', 'many', { limit: 600 }],
    ['600', '', { limit: 600 }],
    ['600.0', '12', { limit: 600, remaining: 12 }],
    ['0', '12', { remaining: 12 }],
    ['-1', '12', { remaining: 12 }],
    ['unlimited', '12', { remaining: 12 }],
    ['600, 600;w=60', '12', { remaining: 12 }],
    ['0', '0', undefined],
    ['-1', '-1', undefined],
    ['-1', '0', undefined],
    ['', '', undefined],
    ['9'.repeat(400), 'NaN', undefined],
  ])('limit "%s" with remaining "%s"', (limit, remaining, expected) => {
    const limits = parse({
      'x-ratelimit-limit-requests': limit,
      'x-ratelimit-remaining-requests': remaining,
    });
    expect(limits).toEqual(expected && { requests: expected });
  });
});

test('nothing left, with a reset, needs no limit', () => {
  const limits = parse({
    'x-ratelimit-remaining-tokens': '0',
    'x-ratelimit-reset-tokens': '7s',
    'x-ratelimit-remaining-requests': '0',
    'x-ratelimit-reset-requests': '0',
  });
  expect(limits).toEqual({ tokens: { remaining: 0, resetMs: 7_000 } });
});

describe('headers without a suffix count requests:', () => {
  const nowMs = String(now + 30_000);
  test.each<[Record<string, string>, object | undefined]>([
    [
      { 'x-ratelimit-limit': '20', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': nowMs },
      { limit: 20, remaining: 0, resetMs: 30_000 },
    ],
    [
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(now / 1_000 + 60) },
      { remaining: 0, resetMs: 60_000 },
    ],
    [
      { 'x-ratelimit-limit': '60', 'x-ratelimit-remaining': '3', 'x-ratelimit-reset': '12' },
      { limit: 60, remaining: 3, resetMs: 12_000 },
    ],
    [
      {
        'ratelimit-limit': '100, 100;w=60',
        'ratelimit-remaining': '0',
        'ratelimit-reset': '30',
      },
      { limit: 100, remaining: 0, resetMs: 30_000 },
    ],
    [{ ratelimit: '"default";r=0;t=30' }, { remaining: 0, resetMs: 30_000 }],
    [
      {
        ratelimit: '"burst";r=5;t=1, "hour";r=0;t=1800, "minute";r=0;t=20',
        'ratelimit-policy': '"burst";q=10;w=1, "minute";q=60;w=60, "hour";q=1000;w=3600',
      },
      { limit: 1_000, remaining: 0, resetMs: 1_800_000 },
    ],
    [{ ratelimit: '"default";r=50;t=30' }, { remaining: 50, resetMs: 30_000 }],
    [
      { ratelimit: 'limit=100, remaining=0, reset=30' },
      { limit: 100, remaining: 0, resetMs: 30_000 },
    ],
    [{ ratelimit: 'limit=100;remaining=4;reset=7' }, { limit: 100, remaining: 4, resetMs: 7_000 }],
    [{ ratelimit: 'soon' }, undefined],
    [{ ratelimit: '"default";r=many;t=-1' }, undefined],
    [{ ratelimit: '' }, undefined],
  ])('%j', (headers, requests) => {
    expect(parse(headers)).toEqual(requests && { requests });
  });

  test('those with a suffix come first', () => {
    const limits = parse({
      'x-ratelimit-limit-requests': '600',
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': '5',
    });
    expect(limits).toEqual({ requests: { limit: 600 } });
  });
});

describe('headers that name the window', () => {
  const day = {
    'x-ratelimit-limit-requests-day': '14400',
    'x-ratelimit-reset-requests-day': '9.5',
  };
  const minute = {
    'x-ratelimit-limit-tokens-minute': '60000',
    'x-ratelimit-remaining-tokens-minute': '0',
    'x-ratelimit-reset-tokens-minute': '42.5',
  };
  test.each<[object, object | undefined]>([
    [
      { ...minute, ...day, 'x-ratelimit-remaining-requests-day': '14000' },
      { tokens: { limit: 60_000, remaining: 0, resetMs: 42_500 } },
    ],
    [
      { ...day, 'x-ratelimit-remaining-requests-day': '0' },
      { requests: { limit: 14_400, remaining: 0, resetMs: 9_500 } },
    ],
    [
      { 'x-ratelimit-limit-req-minute': '60', 'x-ratelimit-remaining-req-minute': '59' },
      { requests: { limit: 60, remaining: 59 } },
    ],
    [
      { ...minute, 'x-ratelimit-limit-requests': '9', 'x-ratelimit-remaining-requests': '8' },
      { requests: { limit: 9, remaining: 8 } },
    ],
  ])('%j', (headers, expected) => {
    expect(parse(headers as Record<string, string>)).toEqual(expected);
  });
});

test('a reset alone is left out', () => {
  expect(parse({ 'x-ratelimit-reset-requests': '1s' })).toBeUndefined();
});

test('there are no limits without headers', () => {
  expect(parse({})).toBeUndefined();
  expect(parseRateLimits(undefined)).toBeUndefined();
  expect(parseRateLimits({ get: () => undefined })).toBeUndefined();
});

test('a time is compared with the clock, or with the time that is given', () => {
  const reset = new Date(Date.now() + 3_600_000).toISOString();
  const headers = new Headers({
    'anthropic-ratelimit-requests-limit': '50',
    'anthropic-ratelimit-requests-reset': reset,
  });
  const { resetMs = 0 } = parseRateLimits(headers)?.requests ?? {};
  expect(resetMs).toBeGreaterThan(0);
  expect(resetMs).toBeLessThanOrEqual(3_600_000);
});
