import type { AttemptErrorCode, RunnerErrorDetails } from '@stratagem/core';
import { ATTEMPT_ERROR_CODES } from '@stratagem/core/runner';
import { describe, expect, test } from 'vitest';
import { failure } from '../../test/scripted.js';
import { Health } from './health.js';

const going = new AbortController().signal;

function fail(health: Health, code: AttemptErrorCode, details?: RunnerErrorDetails, now = 0): void {
  health.recordFailure(health.recordStart(), failure(code, details), going, now);
}

const fresh = (failureThreshold = 1) => new Health({ failureThreshold, resetTimeoutMs: 1_000 });

test('a failure that concerns one task alone does not count against the runner', () => {
  const tolerated = ATTEMPT_ERROR_CODES.filter((code) => {
    const health = fresh();
    fail(health, code);
    return health.waitMs(0) === 0;
  });
  expect(tolerated).toEqual([
    ...['invalid_output', 'invalid_input', 'subtasks_failed', 'loop_exhausted', 'rejected'],
    ...['invalid_request', 'context_length_exceeded', 'refused', 'truncated'],
    ...['step_limit', 'aborted', 'canceled'],
  ]);
});

test('a foreign error counts as a failure of the runner', () => {
  const health = fresh();
  health.recordFailure(health.recordStart(), new TypeError('oops'), going, 0);
  expect(health.unavailability(0)).toEqual({
    waitMs: 1_000,
    code: 'task_failed',
    reason: 'after a failure (task_failed: oops)',
  });
});

describe('an attempt that is aborted', () => {
  const aborted = (reason: unknown) => AbortSignal.abort(reason);

  test('is inconclusive, unless it timed out', () => {
    const health = fresh();
    health.recordFailure(
      health.recordStart(),
      failure('connection'),
      aborted(new Error('enough')),
      0,
    );
    expect(health.waitMs(0)).toBe(0);
    health.recordFailure(health.recordStart(), failure('aborted'), aborted(failure('timeout')), 0);
    expect(health.unavailability(0)?.reason).toContain('timeout');
  });
});

describe('a runner that asks to wait', () => {
  test('is unavailable until then, and its failure does not count', () => {
    const health = fresh();
    fail(health, 'rate_limited', { retryAfterMs: 5_000 });
    expect(health.unavailability(0)).toEqual({
      waitMs: 5_000,
      code: 'rate_limited',
      reason: 'at its own request (rate_limited)',
    });
    expect(health.waitMs(5_000)).toBe(0);
  });

  test('is available again at that time, however early', () => {
    const health = fresh();
    fail(health, 'overloaded', { retryAfterMs: 100 });
    expect(health.waitMs(99)).toBe(1);
    expect(health.waitMs(100)).toBe(0);
  });

  test('is unavailable for the longest of its waits', () => {
    const health = fresh();
    fail(health, 'overloaded', { retryAfterMs: 5_000 });
    fail(health, 'rate_limited', { retryAfterMs: 1_000 });
    expect(health.unavailability(0)).toMatchObject({ waitMs: 5_000, code: 'overloaded' });
  });

  test('counts as failing when it gives no usable time', () => {
    const health = fresh(3);
    fail(health, 'rate_limited');
    fail(health, 'rate_limited', { retryAfterMs: 0 });
    fail(health, 'rate_limited', { retryAfterMs: Number.POSITIVE_INFINITY });
    expect(health.unavailability(0)?.reason).toMatch(/^after 3 failures in a row \(rate_limited/);
  });
});

test('a transient failure is reported as overloaded, and any other with its own code', () => {
  const codeAfter = (code: AttemptErrorCode) => {
    const health = fresh();
    fail(health, code);
    return health.unavailability(0)?.code;
  };
  expect(codeAfter('connection')).toBe('overloaded');
  expect(codeAfter('authentication')).toBe('authentication');
});

describe('among announced limits', () => {
  test('an exhausted one blocks until its reset', () => {
    const health = fresh();
    health.applyAnnouncement(
      { requests: { remaining: 3 }, tokens: { remaining: 0, resetMs: 700 } },
      0,
    );
    expect(health.unavailability(0)).toMatchObject({ waitMs: 700, code: 'rate_limited' });
    expect(health.waitMs(700)).toBe(0);
  });

  test('the latest one counts, and a missing one changes nothing', () => {
    const health = fresh();
    health.applyAnnouncement({ requests: { remaining: 0, resetMs: 700 } }, 0);
    health.applyAnnouncement(undefined, 100);
    health.applyAnnouncement({ requests: { limit: 5 } }, 100);
    expect(health.waitMs(100)).toBe(600);
    health.applyAnnouncement({ requests: { remaining: 1 } }, 200);
    expect(health.waitMs(200)).toBe(0);
  });

  test.each([
    { requests: undefined },
    { requests: null },
    { requests: { remaining: '0', resetMs: 700 } },
    { requests: { remaining: 0, resetMs: Number.NaN } },
    { requests: { remaining: 0, resetMs: Number.POSITIVE_INFINITY } },
    'none',
  ])('an invalid one is ignored: %j', (limits) => {
    const health = fresh();
    health.applyAnnouncement(limits as never, 0);
    expect(health.waitMs(0)).toBe(0);
  });
});
