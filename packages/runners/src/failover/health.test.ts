import {
  ATTEMPT_ERROR_CODES,
  type AttemptErrorCode,
  type RunnerErrorDetails,
} from '@stratagem/core';
import { describe, expect, test } from 'vitest';
import { failure } from '../../test/scripted.js';
import { Health } from './health.js';

const going = new AbortController().signal;

function fail(health: Health, code: AttemptErrorCode, details?: RunnerErrorDetails, now = 0): void {
  health.failed(health.begin(), failure(code, details), going, now);
}

const fresh = (openAfter = 1) => new Health({ openAfter, halfOpenAfterMs: 1_000 });

test('what is wrong with one task alone is no fault of the runner', () => {
  const tolerated = ATTEMPT_ERROR_CODES.filter((code) => {
    const health = fresh();
    fail(health, code);
    return health.waitMs(0) === 0;
  });
  expect(tolerated).toEqual([
    ...['invalid_output', 'invalid_input', 'subtasks_failed', 'rejected'],
    ...['invalid_request', 'refused', 'truncated', 'step_limit', 'aborted'],
  ]);
});

test('an error of another kind counts as a failure', () => {
  const health = fresh();
  health.failed(health.begin(), new TypeError('oops'), going, 0);
  expect(health.obstacle(0)).toEqual({
    waitMs: 1_000,
    code: 'task_failed',
    why: 'after a failure (task_failed: oops)',
  });
});

describe('an attempt that is aborted', () => {
  const aborted = (reason: unknown) => AbortSignal.abort(reason);

  test('tells nothing, unless its time was over', () => {
    const health = fresh();
    health.failed(health.begin(), failure('connection'), aborted(new Error('enough')), 0);
    expect(health.waitMs(0)).toBe(0);
    health.failed(health.begin(), failure('aborted'), aborted(failure('timeout')), 0);
    expect(health.obstacle(0)?.why).toContain('timeout');
  });
});

describe('a runner that asks to wait', () => {
  test('is left alone until then, and not counted as failing', () => {
    const health = fresh();
    fail(health, 'rate_limited', { retryAfterMs: 5_000 });
    expect(health.obstacle(0)).toEqual({
      waitMs: 5_000,
      code: 'rate_limited',
      why: 'as it asked to (rate_limited)',
    });
    expect(health.waitMs(5_000)).toBe(0);
  });

  test('is asked again at that time, however early', () => {
    const health = fresh();
    fail(health, 'overloaded', { retryAfterMs: 100 });
    expect(health.waitMs(99)).toBe(1);
    expect(health.waitMs(100)).toBe(0);
  });

  test('is left alone for the longest time it gave', () => {
    const health = fresh();
    fail(health, 'overloaded', { retryAfterMs: 5_000 });
    fail(health, 'rate_limited', { retryAfterMs: 1_000 });
    expect(health.obstacle(0)).toMatchObject({ waitMs: 5_000, code: 'overloaded' });
  });

  test('counts as failing when it does not say for how long', () => {
    const health = fresh(3);
    fail(health, 'rate_limited');
    fail(health, 'rate_limited', { retryAfterMs: 0 });
    fail(health, 'rate_limited', { retryAfterMs: Number.POSITIVE_INFINITY });
    expect(health.obstacle(0)?.why).toMatch(/^after 3 failures in a row \(rate_limited/);
  });
});

test('a runner that failed for a while only is overloaded to others, and else what it said', () => {
  const codeAfter = (code: AttemptErrorCode) => {
    const health = fresh();
    fail(health, code);
    return health.obstacle(0)?.code;
  };
  expect(codeAfter('connection')).toBe('overloaded');
  expect(codeAfter('authentication')).toBe('authentication');
});

describe('of announced limits', () => {
  test('one with nothing left counts until its reset', () => {
    const health = fresh();
    health.announced({ requests: { remaining: 3 }, tokens: { remaining: 0, resetMs: 700 } }, 0);
    expect(health.obstacle(0)).toMatchObject({ waitMs: 700, code: 'rate_limited' });
    expect(health.waitMs(700)).toBe(0);
  });

  test('the latest count, and nothing is no announcement', () => {
    const health = fresh();
    health.announced({ requests: { remaining: 0, resetMs: 700 } }, 0);
    health.announced(undefined, 100);
    health.announced({ requests: { limit: 5 } }, 100);
    expect(health.waitMs(100)).toBe(600);
    health.announced({ requests: { remaining: 1 } }, 200);
    expect(health.waitMs(200)).toBe(0);
  });

  test.each([
    { requests: undefined },
    { requests: null },
    { requests: { remaining: '0', resetMs: 700 } },
    { requests: { remaining: 0, resetMs: Number.NaN } },
    { requests: { remaining: 0, resetMs: Number.POSITIVE_INFINITY } },
    'none',
  ])('what makes no sense counts for nothing: %j', (limits) => {
    const health = fresh();
    health.announced(limits as never, 0);
    expect(health.waitMs(0)).toBe(0);
  });
});
