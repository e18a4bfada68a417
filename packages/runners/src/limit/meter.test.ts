import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Meter } from './meter.js';

const NONE = Number.POSITIVE_INFINITY;
const BURST_MS = 250;

/** Takes so much, one at a time, each as soon as it may. */
function takeAll(meter: Meter, count: number, from = 0): number[] {
  let now = from;
  return Array.from({ length: count }, () => {
    now += meter.waitMs(1, 1, now);
    meter.take(1, now);
    return now;
  });
}

describe('a meter', () => {
  test('spreads what it permits over the minute, after a small burst', () => {
    const [first, second, third, fourth, fifth, sixth] = takeAll(new Meter(600, BURST_MS), 6);
    expect([first, second, third]).toEqual([0, 0, 0]);
    expect((sixth as number) - (fifth as number)).toBeCloseTo(60_000 / (0.98 * 600));
    expect(fourth).toBeLessThan(100);
  });

  test.each([1, 2, 7, 60, 600, 10_000])(
    'permits %i per minute, and only slightly fewer',
    (limit) => {
      const count = 3 * limit;
      const times = takeAll(new Meter(limit, BURST_MS), count);
      for (const [index, time] of times.entries()) {
        const earlier = times[index - limit];
        if (earlier !== undefined) expect(time - earlier).toBeGreaterThanOrEqual(60_000);
      }
      const minutes = (times.at(-1) as number) / 60_000;
      expect((count - 1) / minutes / limit).toBeGreaterThanOrEqual(0.97);
    },
  );

  test('never permits more than its limit within a minute, for any sizes', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 80 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 300, max: 5_000 }), (sizes, limit) => {
        const meter = new Meter(limit, BURST_MS);
        const taken: { at: number; size: number }[] = [];
        let now = 0;
        for (const size of sizes) {
          // What is permitted later may have to wait for something else by then.
          for (let wait = 1; wait > 0; now += wait) wait = meter.waitMs(size, 1, now);
          meter.take(size, now);
          taken.push({ at: now, size });
        }
        for (const { at } of taken) {
          const minute = taken.filter((other) => other.at > at - 60_000 && other.at <= at);
          expect(minute.reduce((sum, { size }) => sum + size, 0)).toBeLessThanOrEqual(limit);
        }
      }),
    );
  });

  test('permits larger bursts after an idle period with a larger burstMs', () => {
    expect(takeAll(new Meter(600, 10_000), 98).at(-1)).toBe(0);
  });

  test('permits an amount above its limit after an idle minute', () => {
    const meter = new Meter(1_000, BURST_MS);
    meter.take(10, 0);
    expect(meter.waitMs(5_000, 1, 0)).toBe(61_000);
    expect(meter.waitMs(5_000, 1, 61_000)).toBe(0);
    meter.take(5_000, 61_000);
    expect(meter.waitMs(1, 1, 61_000)).toBeGreaterThan(300_000);
  });

  test('is slower at a lower pace', () => {
    const meter = new Meter(600, BURST_MS);
    meter.take(10, 0);
    const full = meter.leastWaitMs(1, 0, 1, 0);
    expect(full).toBeGreaterThan(0);
    expect(meter.leastWaitMs(1, 0, 0.5, 0)).toBeGreaterThan(1.9 * full);
  });

  test('counts the actual amount of a request', () => {
    const meter = new Meter(6_000, BURST_MS);
    const reading = meter.take(100, 0);
    const before = meter.waitMs(1, 1, 0);
    meter.correct(98, reading, 0);
    expect(meter.waitMs(1, 1, 0) - before).toBeCloseTo(98 / 0.098);
    meter.correct(-98, reading, 0);
    expect(meter.waitMs(1, 1, 0)).toBeCloseTo(before);
  });

  test('frees the part of an estimate that a request did not use', () => {
    const meter = new Meter(1_000, BURST_MS);
    const reading = meter.take(900, 0);
    expect(meter.waitMs(500, 1, 59_000)).toBe(2_000);
    meter.correct(-800, reading, 59_000);
    expect(meter.waitMs(500, 1, 59_000)).toBe(0);
  });

  test('permits everything without a limit', () => {
    const meter = new Meter(NONE, BURST_MS);
    expect(takeAll(meter, 10_000).at(-1)).toBe(0);
    expect(meter.leastWaitMs(1, 1e9, 1, 0)).toBe(0);
  });
});

describe('an announced limit', () => {
  test.each([
    [600, 300, 300],
    [600, 900, 600],
    [NONE, 900, 900],
    [600, 0, 600],
    [600, -1, 600],
    [600, Number.NaN, 600],
    [NONE, NONE, NONE],
  ])('changes a given limit of %d, announced as %d, to %d', (own, limit, expected) => {
    const meter = new Meter(own, BURST_MS);
    expect(meter.applyAnnouncement({ limit }, meter.take(1, 0), 100)).toBe(expected < own);
    expect(meter.limit).toBe(expected);
  });

  test('also counts what was permitted before it was announced', () => {
    const meter = new Meter(600, BURST_MS);
    const [first, ...others] = Array.from({ length: 100 }, () => meter.take(1, 0));
    meter.applyAnnouncement({ limit: 90 }, others.at(-1) ?? (first as never), 1_000);
    expect(meter.waitMs(1, 1, 1_000)).toBe(60_000);
  });

  test('may rise again, up to the given limit', () => {
    const meter = new Meter(600, BURST_MS);
    meter.applyAnnouncement({ limit: 300 }, meter.take(1, 0), 0);
    meter.applyAnnouncement({ limit: 400 }, meter.take(1, 1), 1);
    expect(meter.limit).toBe(400);
    meter.applyAnnouncement({ limit: 4_000 }, meter.take(1, 2), 2);
    expect(meter.limit).toBe(600);
  });

  test('is taken from the response to the latest request', () => {
    const meter = new Meter(600, BURST_MS);
    const early = meter.take(1, 0);
    const late = meter.take(1, 10);
    meter.applyAnnouncement({ limit: 300 }, late, 100);
    meter.applyAnnouncement({ limit: 500 }, early, 200);
    expect(meter.limit).toBe(300);
  });
});

describe('an announced remainder', () => {
  /** 600 a minute of which hardly anything was used here; long enough ago to be paced no more. */
  function fresh() {
    const meter = new Meter(600, BURST_MS);
    return { meter, reading: meter.take(1, 1_000) };
  }

  test('changes nothing while it equals what this process has left', () => {
    const { meter, reading } = fresh();
    meter.applyAnnouncement({ limit: 600, remaining: 599, resetMs: 60_000 }, reading, 1_500);
    expect(meter.waitMs(1, 1, 1_500)).toBe(0);
  });

  test('blocks nothing while only our own requests lower it', () => {
    const meter = new Meter(600, BURST_MS);
    const now = takeAll(meter, 299).at(-1) as number;
    const reading = meter.take(1, now);
    meter.applyAnnouncement({ limit: 600, remaining: 300, resetMs: 60_000 }, reading, now);
    const then = takeAll(meter, 280, now).at(-1) as number;
    expect(meter.leastWaitMs(300, 0, 1, then)).toBeLessThan(200);
  });

  test('is kept to when it is nearly nothing, however little others have used', () => {
    const meter = new Meter(600, BURST_MS);
    const now = takeAll(meter, 588).at(-1) as number;
    const reading = meter.take(1, now);
    meter.applyAnnouncement({ limit: 600, remaining: 3, resetMs: 20_000 }, reading, now);
    expect(meter.leastWaitMs(3, 0, 1, now)).toBeLessThan(1_000);
    expect(meter.leastWaitMs(4, 0, 1, now)).toBeCloseTo(20_000);
  });

  test('is kept to when others have used a large part', () => {
    const { meter, reading } = fresh();
    meter.applyAnnouncement({ limit: 600, remaining: 50, resetMs: 20_000 }, reading, 1_500);
    expect(meter.leastWaitMs(50, 0, 1, 1_500)).toBe(0);
    expect(meter.leastWaitMs(1, 50, 1, 1_500)).toBe(19_500);
  });

  test('is kept to until the reset when others have used the rest', () => {
    const { meter, reading } = fresh();
    meter.applyAnnouncement({ limit: 600, remaining: 2, resetMs: 20_000 }, reading, 1_500);
    expect(meter.waitMs(1, 1, 1_500)).toBe(0);
    meter.take(1, 1_500);
    meter.take(1, 1_600);
    // From when it was sent.
    expect(meter.waitMs(1, 1, 2_000)).toBe(19_000);
    expect(meter.leastWaitMs(1, 0, 1, 2_000)).toBe(19_000);
    expect(meter.waitMs(1, 1, 21_000)).toBe(0);
  });

  test('is reduced by requests that the server had not counted yet', () => {
    const { meter, reading } = fresh();
    for (let count = 0; count < 5; count++) meter.take(1, 1_100 + count);
    meter.applyAnnouncement({ limit: 600, remaining: 5, resetMs: 20_000 }, reading, 1_500);
    expect(meter.waitMs(1, 1, 5_000)).toBe(16_000);
  });

  test('refills evenly when the reset matches a bucket', () => {
    const { meter, reading } = fresh();
    meter.applyAnnouncement({ limit: 600, remaining: 0, resetMs: 60_000 }, reading, 1_000);
    const waitMs = meter.waitMs(1, 1, 1_000);
    expect(waitMs).toBeGreaterThan(90);
    expect(waitMs).toBeLessThan(110);
  });

  test('has refilled for as long as the response took', () => {
    const { meter, reading } = fresh();
    meter.applyAnnouncement({ limit: 600, remaining: 0, resetMs: 60_000 }, reading, 2_000);
    expect(meter.waitMs(1, 1, 2_000)).toBe(0);
  });

  test('refills evenly when no reset is announced', () => {
    const { meter, reading } = fresh();
    meter.applyAnnouncement({ limit: 600, remaining: 0 }, reading, 1_000);
    expect(meter.waitMs(1, 1, 1_000)).toBeLessThan(110);
    expect(meter.waitMs(1, 1, 1_000)).toBeGreaterThan(90);
  });

  test('blocks nothing when the reset has passed before the response came', () => {
    const { meter, reading } = fresh();
    meter.applyAnnouncement({ limit: 600, remaining: 0, resetMs: 5_000 }, reading, 7_000);
    expect(meter.waitMs(1, 1, 7_000)).toBe(0);
  });

  test('blocks nothing for longer than a minute', () => {
    const { meter, reading } = fresh();
    meter.applyAnnouncement({ limit: 600, remaining: 0, resetMs: 7_200_000 }, reading, 1_500);
    expect(meter.waitMs(1, 1, 1_500)).toBe(59_500);
  });

  test('is replaced by that of the next response', () => {
    const { meter, reading } = fresh();
    meter.applyAnnouncement({ limit: 600, remaining: 0, resetMs: 20_000 }, reading, 1_500);
    const next = meter.take(1, 2_000);
    meter.applyAnnouncement({ limit: 600, remaining: 590, resetMs: 60_000 }, next, 2_500);
    expect(meter.waitMs(1, 1, 2_500)).toBe(0);
  });

  test('is ignored while the limit is unknown', () => {
    const meter = new Meter(NONE, BURST_MS);
    meter.applyAnnouncement({ remaining: 0, resetMs: 20_000 }, meter.take(1, 0), 100);
    expect(meter.waitMs(1, 1, 100)).toBe(0);
  });
});
