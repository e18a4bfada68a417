import { describe, expect, test } from 'vitest';
import { QuotaWindow } from './quota-window.js';

/** A bucket of 60 that refills at one a second. */
function bucket(level: number) {
  return { limit: 60, remaining: Math.floor(level), resetMs: (60 - level) * 1_000 };
}

describe('an announced limit', () => {
  test('holds nothing back before anything is announced', () => {
    expect(new QuotaWindow().availableAt(1e9, 5)).toBe(5);
  });

  test('that is a bucket refills evenly', () => {
    const allowance = new QuotaWindow();
    allowance.announced(bucket(2), 0, 0);
    for (const _ of [1, 2]) {
      expect(allowance.availableAt(1, 0)).toBe(0);
      allowance.take(1, 0);
    }
    expect(allowance.availableAt(1, 0)).toBeCloseTo(1_000, 6);
    expect(allowance.availableAt(1, 400)).toBeCloseTo(1_000, 6);
    allowance.take(1, 1_000);
    expect(allowance.availableAt(3, 1_000)).toBeCloseTo(4_000, 6);
  });

  test('that is a bucket is not taken for a window while nothing is left of it', () => {
    const allowance = new QuotaWindow();
    const at = (now: number) => ({ limit: 300, remaining: 0, resetMs: 59_868 - (now - 500) });
    for (const now of [500, 505, 511, 516]) allowance.announced(at(now), 0, now);
    expect(allowance.availableAt(1, 516)).toBeLessThan(1_000);
  });

  test('that is a window is whole again at its end, not before', () => {
    const allowance = new QuotaWindow();
    allowance.announced({ limit: 100, remaining: 50, resetMs: 29_000 }, 0, 1_000);
    for (let n = 0; n < 50; n++) allowance.take(1, 1_000);
    allowance.announced({ limit: 100, remaining: 0, resetMs: 28_000 }, 0, 2_000);
    expect(allowance.availableAt(1, 2_000)).toBe(30_000);
    expect(allowance.availableAt(100, 30_000)).toBe(30_000);
    for (let n = 0; n < 100; n++) allowance.take(1, 30_000);
    // The next window is not announced yet: it ends no sooner than one as long as the last.
    expect(allowance.availableAt(1, 30_000)).toBe(59_000);
  });

  test('is corrected by what others use of it', () => {
    const allowance = new QuotaWindow();
    allowance.announced(bucket(30), 0, 0);
    allowance.announced(bucket(0), 0, 1_000);
    expect(allowance.availableAt(2, 1_000)).toBeGreaterThan(1_500);
  });

  test('counts what the announcement may not know of yet', () => {
    const allowance = new QuotaWindow();
    allowance.announced(bucket(30), 0, 0);
    for (let n = 0; n < 30; n++) allowance.take(1, 0);
    // An answer to the first of them, from before the other 29 arrived.
    allowance.announced(bucket(29), 29, 100);
    expect(allowance.availableAt(1, 100)).toBeGreaterThan(900);
  });

  test('lets in what is more than a whole allowance when that is there', () => {
    const allowance = new QuotaWindow();
    allowance.announced(bucket(60), 0, 0);
    expect(allowance.availableAt(1_000, 0)).toBe(0);
  });

  test('without a number that is left says nothing', () => {
    const allowance = new QuotaWindow();
    allowance.announced({ limit: 60, resetMs: 1_000 }, 0, 0);
    expect(allowance.availableAt(100, 0)).toBe(0);
  });
});
