import { describe, expect, test } from 'vitest';
import { codeOfApiError, codeOfStatus, parseRetryAfter } from './http-error.js';

describe('codeOfStatus', () => {
  test.each([
    [400, 'invalid_request'],
    [401, 'authentication'],
    [402, 'insufficient_quota'],
    [403, 'permission_denied'],
    [404, 'not_found'],
    [408, 'timeout'],
    [413, 'invalid_request'],
    [422, 'invalid_request'],
    [429, 'rate_limited'],
    [500, 'server_error'],
    [502, 'server_error'],
    [503, 'overloaded'],
    [504, 'timeout'],
    [529, 'overloaded'],
    [599, 'server_error'],
  ])('%i is %s', (status, code) => {
    expect(codeOfStatus(status)).toBe(code);
  });
});

describe('codeOfApiError', () => {
  test.each([
    [['insufficient_quota'], 429, 'insufficient_quota'],
    [[null, 'rate_limit_error'], undefined, 'rate_limited'],
    [['a_new_code', 'overloaded_error'], 500, 'overloaded'],
    [['a_new_code'], 503, 'overloaded'],
    [['constructor'], 429, 'rate_limited'],
    [['invalid_request_error'], 401, 'authentication'],
    [['invalid_request_error'], undefined, 'invalid_request'],
    [['a_new_code'], undefined, undefined],
    [[], undefined, undefined],
  ])('%j with status %s is %s', (codes, status, code) => {
    expect(codeOfApiError(codes, status)).toBe(code);
  });
});

describe('parseRetryAfter', () => {
  const now = Date.UTC(2026, 10, 23, 12, 0, 0);
  test.each([
    [{ 'retry-after': '2' }, 2_000],
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after': '0.25' }, 250],
    [{ 'retry-after-ms': '120' }, 120],
    [{ 'retry-after-ms': '120', 'retry-after': '2' }, 120],
    [{ 'retry-after-ms': 'soon', 'retry-after': '2' }, 2_000],
    [{ 'retry-after': 'Mon, 23 Nov 2026 12:01:30 GMT' }, 90_000],
    [{ 'retry-after': 'Mon, 23 Nov 2026 11:59:00 GMT' }, 0],
    [{ 'retry-after': 'later' }, undefined],
    [{ 'retry-after': '-1' }, undefined],
    [{ 'retry-after': 'Infinity' }, undefined],
    [{ 'retry-after': '2678400' }, 31 * 86_400_000],
    // A time instead of a duration, and numbers beyond all numbers.
    [{ 'retry-after': '1795694400' }, undefined],
    [{ 'retry-after': 'Mon, 23 Nov 2099 12:00:00 GMT' }, undefined],
    [{ 'retry-after': '9'.repeat(400) }, undefined],
    [{ 'retry-after-ms': '9'.repeat(400) }, undefined],
    [{ 'retry-after': '' }, undefined],
    [{}, undefined],
  ])('%j is %s ms', (headers, expected) => {
    expect(parseRetryAfter(new Headers(headers as Record<string, string>), now)).toBe(expected);
  });

  test('compares a date with the date of the response: the clocks of two machines may differ', () => {
    const headers = new Headers({
      date: 'Mon, 23 Nov 2026 12:01:00 GMT',
      'retry-after': 'Mon, 23 Nov 2026 12:01:30 GMT',
    });
    expect(parseRetryAfter(headers)).toBe(30_000);
    headers.set('date', 'some day');
    headers.set('retry-after', new Date(Date.now() + 90_000).toUTCString());
    expect(parseRetryAfter(headers)).toBeGreaterThan(60_000);
  });

  test('is undefined without headers', () => {
    expect(parseRetryAfter(undefined)).toBeUndefined();
  });
});
