import { describe, expect, test } from 'vitest';
import { CircuitBreaker } from './circuit-breaker.js';

const settings = { openAfter: 3, halfOpenAfterMs: 1_000 };

/** One that opened at time 0. */
function opened(): CircuitBreaker {
  const breaker = new CircuitBreaker(settings);
  for (let count = 0; count < 3; count++) breaker.ended(breaker.begin(), false, 0);
  return breaker;
}

describe('while closed', () => {
  test('it opens after so many failures in a row', () => {
    const breaker = new CircuitBreaker(settings);
    breaker.ended(breaker.begin(), false, 0);
    breaker.ended(breaker.begin(), false, 0);
    expect(breaker.waitMs(0)).toBe(0);
    breaker.ended(breaker.begin(), false, 0);
    expect(breaker.waitMs(0)).toBe(1_000);
    expect(breaker.failures).toBe(3);
  });

  test('an answer ends the row, and an end that tells nothing does not', () => {
    const breaker = new CircuitBreaker(settings);
    for (const worked of [false, false, true, false, undefined, false]) {
      breaker.ended(breaker.begin(), worked, 0);
    }
    expect(breaker.waitMs(0)).toBe(0);
    breaker.ended(breaker.begin(), false, 0);
    expect(breaker.waitMs(0)).toBe(1_000);
  });

  test('it never opens where the limit is Infinity', () => {
    const breaker = new CircuitBreaker({ ...settings, openAfter: Number.POSITIVE_INFINITY });
    for (let count = 0; count < 100; count++) breaker.ended(breaker.begin(), false, 0);
    expect(breaker.waitMs(0)).toBe(0);
  });
});

describe('when it is time to try again', () => {
  test('one request goes through, and others wait for its end', () => {
    const breaker = opened();
    expect(breaker.waitMs(999)).toBe(1);
    expect(breaker.waitMs(1_000)).toBe(0);
    const probe = breaker.begin();
    expect(breaker.waitMs(1_000)).toBe(1_000);
    breaker.ended(probe, true, 1_500);
    expect(breaker.waitMs(1_500)).toBe(0);
    expect(breaker.failures).toBe(0);
  });

  test('one failure opens it again', () => {
    const breaker = opened();
    breaker.ended(breaker.begin(), false, 1_500);
    expect(breaker.waitMs(1_500)).toBe(1_000);
    expect(breaker.waitMs(2_500)).toBe(0);
  });

  test('a try that tells nothing leaves the next one to another', () => {
    const breaker = opened();
    const probe = breaker.begin();
    expect(breaker.waitMs(1_000)).toBeGreaterThan(0);
    breaker.ended(probe, undefined, 1_200);
    expect(breaker.waitMs(1_200)).toBe(0);
  });
});

test('what was sent before it opened neither closes it nor keeps it open for longer', () => {
  const breaker = new CircuitBreaker(settings);
  const [early, late] = [breaker.begin(), breaker.begin()];
  for (let count = 0; count < 3; count++) breaker.ended(breaker.begin(), false, 0);
  breaker.ended(early, true, 100);
  expect(breaker.waitMs(100)).toBe(900);
  breaker.ended(late, false, 500);
  expect(breaker.waitMs(500)).toBe(500);
});
