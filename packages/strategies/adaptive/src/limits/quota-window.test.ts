import { describe, expect, test } from 'vitest';
import { QuotaWindow } from './quota-window.js';

/** A bucket of 60 that refills at one a second. */
function bucket(level: number) {
  return { limit: 60, remaining: Math.floor(level), resetMs: (60 - level) * 1_000 };
}

describe('an announced quota', () => {
  test('delays nothing before the first announcement', () => {
    expect(new QuotaWindow().availableAt(1e9, 5)).toBe(5);
  });

  test('of a token bucket refills evenly', () => {
    const quota = new QuotaWindow();
    quota.update(bucket(2), 0, 0);
    for (const _ of [1, 2]) {
      expect(quota.availableAt(1, 0)).toBe(0);
      quota.take(1, 0);
    }
    expect(quota.availableAt(1, 0)).toBeCloseTo(1_000, 6);
    expect(quota.availableAt(1, 400)).toBeCloseTo(1_000, 6);
    quota.take(1, 1_000);
    expect(quota.availableAt(3, 1_000)).toBeCloseTo(4_000, 6);
  });

  test('of an empty token bucket is not mistaken for a fixed window', () => {
    const quota = new QuotaWindow();
    const at = (now: number) => ({ limit: 300, remaining: 0, resetMs: 59_868 - (now - 500) });
    for (const now of [500, 505, 511, 516]) quota.update(at(now), 0, now);
    expect(quota.availableAt(1, 516)).toBeLessThan(1_000);
  });

  test('of a fixed window is full again at its end, not before', () => {
    const quota = new QuotaWindow();
    quota.update({ limit: 100, remaining: 50, resetMs: 29_000 }, 0, 1_000);
    for (let n = 0; n < 50; n++) quota.take(1, 1_000);
    quota.update({ limit: 100, remaining: 0, resetMs: 28_000 }, 50, 2_000);
    expect(quota.availableAt(1, 2_000)).toBe(30_000);
    expect(quota.availableAt(100, 30_000)).toBe(30_000);
    for (let n = 0; n < 100; n++) quota.take(1, 30_000);
    // The next window is not announced yet: it is assumed to be as long as the last one.
    expect(quota.availableAt(1, 30_000)).toBe(59_000);
  });

  test('accounts for usage by other clients', () => {
    const quota = new QuotaWindow();
    quota.update(bucket(30), 0, 0);
    quota.update(bucket(0), 0, 1_000);
    expect(quota.availableAt(2, 1_000)).toBeGreaterThan(1_500);
  });

  test('subtracts usage that the announcement may not include', () => {
    const quota = new QuotaWindow();
    quota.update(bucket(30), 0, 0);
    for (let n = 0; n < 30; n++) quota.take(1, 0);
    // The answer to the first request, sent before the other 29 arrived.
    quota.update(bucket(29), 1, 100);
    expect(quota.availableAt(1, 100)).toBeGreaterThan(900);
  });

  test('admits a request larger than the whole quota when the quota is full', () => {
    const quota = new QuotaWindow();
    quota.update(bucket(60), 0, 0);
    expect(quota.availableAt(1_000, 0)).toBe(0);
  });

  test('is ignored when it has no remaining amount', () => {
    const quota = new QuotaWindow();
    quota.update({ limit: 60, resetMs: 1_000 }, 0, 0);
    expect(quota.availableAt(100, 0)).toBe(0);
  });
});
