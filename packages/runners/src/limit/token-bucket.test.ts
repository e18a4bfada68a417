import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TokenBucket } from './token-bucket.js';

const amounts = fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 60 });
const pauses = fc.array(fc.double({ min: 0, max: 5_000, noNaN: true }), {
  minLength: 60,
  maxLength: 60,
});
const perMs = fc.double({ min: 0.001, max: 2, noNaN: true });
const capacity = fc.double({ min: 1, max: 50, noNaN: true });

/** Takes each amount as soon as it may, but not before the pause after the one before is over. */
function take(bucket: TokenBucket, amounts: readonly number[], pauses: readonly number[]) {
  let now = 0;
  return amounts.map((amount, index) => {
    now += pauses[index] as number;
    const waitMs = bucket.waitMs(0, now);
    now += waitMs;
    bucket.take(amount, now);
    return { at: now, amount, waitMs };
  });
}

describe('a bucket', () => {
  test('gives at most its capacity, the refill and the last amount in any period', () => {
    fc.assert(
      fc.property(amounts, pauses, perMs, capacity, (amounts, pauses, perMs, capacity) => {
        const taken = take(new TokenBucket(perMs, capacity, 0), amounts, pauses);
        for (let first = 0; first < taken.length; first++) {
          let sum = 0;
          for (const { at, amount } of taken.slice(first)) {
            const most = (at - (taken[first]?.at as number)) * perMs + capacity;
            // The last is paid for after it was taken.
            expect(sum).toBeLessThanOrEqual(most + 1e-6);
            sum += amount;
          }
        }
      }),
    );
  });

  test('never waits longer than until earlier credit is repaid', () => {
    fc.assert(
      fc.property(amounts, pauses, perMs, capacity, (amounts, pauses, perMs, capacity) => {
        let level = capacity;
        let last = 0;
        for (const { at, amount, waitMs } of take(
          new TokenBucket(perMs, capacity, 0),
          amounts,
          pauses,
        )) {
          const before = Math.min(capacity, level + (at - waitMs - last) * perMs);
          expect(waitMs).toBeCloseTo(Math.max(0, (1 - before) / perMs), 3);
          level = Math.min(capacity, before + waitMs * perMs) - amount;
          last = at;
        }
      }),
    );
  });

  test('returns the wait until others ahead have been served', () => {
    const bucket = new TokenBucket(0.01, 1, 0);
    expect(bucket.waitMs(0, 0)).toBe(0);
    expect(bucket.waitMs(5, 0)).toBe(500);
    bucket.take(1, 0);
    expect(bucket.waitMs(5, 50)).toBe(550);
  });

  test('takes back unused amounts, up to its capacity', () => {
    const bucket = new TokenBucket(0.01, 10, 0);
    bucket.take(100, 0);
    bucket.take(-50, 0);
    expect(bucket.waitMs(0, 0)).toBe(4_100);
    bucket.take(-500, 0);
    expect(bucket.waitMs(9, 0)).toBe(0);
    expect(bucket.waitMs(10, 0)).toBe(100);
  });

  test('refills at a new rate from the time it is configured', () => {
    const bucket = new TokenBucket(0.01, 1, 0);
    bucket.take(11, 0);
    bucket.configure(0.001, 1, 500);
    expect(bucket.waitMs(0, 500)).toBe(6_000);
  });

  test('holds at most its capacity, and at most a lowered level', () => {
    const bucket = new TokenBucket(0.01, 10, 0);
    bucket.configure(0.01, 5, 0);
    expect(bucket.waitMs(5, 0)).toBe(100);
    bucket.lowerTo(2, 0);
    expect(bucket.waitMs(5, 0)).toBe(400);
    bucket.lowerTo(4, 0);
    expect(bucket.waitMs(5, 0)).toBe(400);
  });

  test('tolerates a clock that stands still or goes back', () => {
    const bucket = new TokenBucket(0.01, 1, 1_000);
    bucket.take(1, 1_000);
    expect(bucket.waitMs(0, 500)).toBe(100);
    expect(bucket.waitMs(0, 1_000)).toBe(100);
  });
});
