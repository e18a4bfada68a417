import { describe, expect, test } from 'vitest';
import { CircuitBreaker } from './circuit-breaker.js';

const settings = { failureThreshold: 3, resetTimeoutMs: 1_000 };

/** One that opened at time 0. */
function opened(): CircuitBreaker {
  const breaker = new CircuitBreaker(settings);
  for (let count = 0; count < 3; count++) breaker.recordEnd(breaker.recordStart(), false, 0);
  return breaker;
}

describe('while closed', () => {
  test('it opens after failureThreshold consecutive failures', () => {
    const breaker = new CircuitBreaker(settings);
    breaker.recordEnd(breaker.recordStart(), false, 0);
    breaker.recordEnd(breaker.recordStart(), false, 0);
    expect(breaker.waitMs(0)).toBe(0);
    breaker.recordEnd(breaker.recordStart(), false, 0);
    expect(breaker.waitMs(0)).toBe(1_000);
    expect(breaker.failures).toBe(3);
  });

  test('a success resets the count, and an inconclusive end does not', () => {
    const breaker = new CircuitBreaker(settings);
    for (const worked of [false, false, true, false, undefined, false]) {
      breaker.recordEnd(breaker.recordStart(), worked, 0);
    }
    expect(breaker.waitMs(0)).toBe(0);
    breaker.recordEnd(breaker.recordStart(), false, 0);
    expect(breaker.waitMs(0)).toBe(1_000);
  });

  test('it never opens when failureThreshold is Infinity', () => {
    const breaker = new CircuitBreaker({ ...settings, failureThreshold: Number.POSITIVE_INFINITY });
    for (let count = 0; count < 100; count++) breaker.recordEnd(breaker.recordStart(), false, 0);
    expect(breaker.waitMs(0)).toBe(0);
  });
});

describe('after the reset timeout', () => {
  test('one request goes through, and the others wait for its end', () => {
    const breaker = opened();
    expect(breaker.waitMs(999)).toBe(1);
    expect(breaker.waitMs(1_000)).toBe(0);
    const probe = breaker.recordStart();
    expect(breaker.waitMs(1_000)).toBe(1_000);
    breaker.recordEnd(probe, true, 1_500);
    expect(breaker.waitMs(1_500)).toBe(0);
    expect(breaker.failures).toBe(0);
  });

  test('one failure opens it again', () => {
    const breaker = opened();
    breaker.recordEnd(breaker.recordStart(), false, 1_500);
    expect(breaker.waitMs(1_500)).toBe(1_000);
    expect(breaker.waitMs(2_500)).toBe(0);
  });

  test('after an inconclusive probe, another request may probe', () => {
    const breaker = opened();
    const probe = breaker.recordStart();
    expect(breaker.waitMs(1_000)).toBeGreaterThan(0);
    breaker.recordEnd(probe, undefined, 1_200);
    expect(breaker.waitMs(1_200)).toBe(0);
  });
});

test('a request sent before it opened neither closes it nor keeps it open longer', () => {
  const breaker = new CircuitBreaker(settings);
  const [early, late] = [breaker.recordStart(), breaker.recordStart()];
  for (let count = 0; count < 3; count++) breaker.recordEnd(breaker.recordStart(), false, 0);
  breaker.recordEnd(early, true, 100);
  expect(breaker.waitMs(100)).toBe(900);
  breaker.recordEnd(late, false, 500);
  expect(breaker.waitMs(500)).toBe(500);
});
