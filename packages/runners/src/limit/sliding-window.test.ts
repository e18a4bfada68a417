import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SlidingWindow } from './sliding-window.js';

const MINUTE_MS = 60_000;
const amount = fc.integer({ min: 1, max: 40 });
const pause = fc.oneof(fc.integer({ max: 3_000, min: 0 }), fc.integer({ max: 200_000, min: 0 }));
const steps = fc.array(fc.record({ amount, pause }), { minLength: 1, maxLength: 100 });

/** Takes each amount as soon as it fits, but not before the pause after the one before is over. */
function take(limit: number, steps: readonly { amount: number; pause: number }[]) {
  const window = new SlidingWindow();
  let now = 12_345;
  return steps.map(({ amount, pause }) => {
    now += pause;
    const waitMs = window.waitMs(amount, limit, now);
    now += waitMs;
    window.add(amount, now, now);
    return { at: now, amount, waitMs };
  });
}

describe('a window', () => {
  test('never holds more than the limit in any minute', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 40, max: 400 }), (steps, limit) => {
        const taken = take(limit, steps);
        for (const { at } of taken) {
          const minute = taken.filter((other) => other.at > at - MINUTE_MS && other.at <= at);
          expect(minute.reduce((sum, { amount }) => sum + amount, 0)).toBeLessThanOrEqual(limit);
        }
      }),
    );
  });

  test('never waits while there is room, within a second', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 40, max: 400 }), (steps, limit) => {
        const taken = take(limit, steps);
        for (const [index, { at, amount, waitMs }] of taken.entries()) {
          if (waitMs === 0) continue;
          const before = taken
            .slice(0, index)
            .filter((other) => other.at >= at - MINUTE_MS - 2_000);
          const sum = before.reduce((sum, { amount }) => sum + amount, 0);
          expect(sum + amount).toBeGreaterThan(limit);
        }
      }),
    );
  });

  test('accepts an amount above the limit when it is empty', () => {
    const window = new SlidingWindow();
    expect(window.waitMs(500, 100, 0)).toBe(0);
    window.add(500, 0, 0);
    expect(window.waitMs(1, 100, 0)).toBe(61_000);
    expect(window.waitMs(500, 100, 30_000)).toBe(31_000);
    expect(window.waitMs(500, 100, 61_000)).toBe(0);
  });

  test('is corrected at the time of the amount, unless that time has left the window', () => {
    const window = new SlidingWindow();
    window.add(50, 10_000, 10_000);
    window.add(30, 10_000, 40_000);
    expect(window.sum(40_000)).toBe(80);
    expect(window.sum(71_000)).toBe(0);
    window.add(-30, 10_000, 71_000);
    expect(window.sum(71_000)).toBe(0);
  });

  test('is empty after a long time', () => {
    const window = new SlidingWindow();
    window.add(50, 10_000, 10_000);
    expect(window.sum(10_000_000)).toBe(0);
    window.add(7, 10_000_000, 10_000_000);
    expect(window.sum(10_000_000)).toBe(7);
  });
});
