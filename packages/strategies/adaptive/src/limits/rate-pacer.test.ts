import { describe, expect, test } from 'vitest';
import { RatePacer } from './rate-pacer.js';

/** Drives a pacer against a token bucket. Every refusal arrives at once. */
function drive(
  pacer: RatePacer,
  { perSecond, level: begin }: { perSecond: number; level: number },
) {
  let level = begin;
  let now = 0;
  const drive = { admitted: 0, refused: 0, now: () => now };
  return (until: number) => {
    while (true) {
      const at = pacer.availableAt(now);
      if (at >= until) {
        level += ((until - now) / 1_000) * perSecond;
        now = until;
        return drive;
      }
      level += ((at - now) / 1_000) * perSecond;
      now = at;
      pacer.recordStart(now);
      if (level >= 1 - 1e-9) {
        level--;
        drive.admitted++;
      } else {
        drive.refused++;
        pacer.recordRefusal(now - 1, now + ((1 - level) / perSecond) * 1_000, now);
      }
    }
  };
}

describe('a rate pacer', () => {
  test('delays nothing before the first refusal', () => {
    const pacer = new RatePacer();
    for (let n = 0; n < 100; n++) pacer.recordStart(7);
    expect(pacer.availableAt(7)).toBe(7);
  });

  test('knows the interval after two refusals, and then costs one request in thirty', () => {
    const pacer = new RatePacer();
    const advance = drive(pacer, { perSecond: 5, level: 12 });
    advance(5_000);
    expect(pacer.intervalMs).toBeCloseTo(200, -1);
    const { admitted, refused } = advance(100_000);
    expect(admitted).toBeGreaterThan(12 + 0.97 * 500);
    expect(refused).toBeLessThan(0.05 * admitted);
  });

  test('counts refusals of requests sent before the last refusal arrived as one', () => {
    const pacer = new RatePacer();
    for (let n = 0; n < 5; n++) pacer.recordStart(0);
    for (let n = 0; n < 3; n++) pacer.recordRefusal(0, 1_000, 50);
    expect(pacer.intervalMs).toBe(0);
    expect(pacer.availableAt(50)).toBe(1_000);
  });

  test('speeds up when an expected refusal does not come', () => {
    const pacer = new RatePacer({ burst: 1, intervalMs: 200 });
    let now = 0;
    for (let n = 0; n < 120; n++) {
      now = pacer.availableAt(now);
      pacer.recordStart(now);
    }
    expect(pacer.intervalMs).toBeLessThan(20);
  });

  test('speeds up sooner when the interval is based on one start', () => {
    const pacer = new RatePacer();
    pacer.recordStart(0);
    pacer.recordRefusal(0, 100, 50);
    pacer.recordStart(100);
    pacer.recordStart(101);
    pacer.recordRefusal(101, 1_100, 150);
    const first = pacer.intervalMs;
    expect(first).toBeCloseTo(1_000, -2);
    for (let n = 0; n < 12; n++) pacer.recordStart(pacer.availableAt(1_100));
    expect(pacer.intervalMs).toBeLessThan(first);
  });

  test('waits until the latest requested time', () => {
    const pacer = new RatePacer();
    pacer.waitUntil(500);
    pacer.waitUntil(300);
    expect(pacer.availableAt(0)).toBe(500);
  });

  test('starts to pace after the burst when the interval is known', () => {
    const pacer = new RatePacer({ burst: 3, intervalMs: 100 });
    for (let n = 0; n < 3; n++) {
      expect(pacer.availableAt(0)).toBe(0);
      pacer.recordStart(0);
    }
    expect(pacer.availableAt(0)).toBeGreaterThan(90);
    expect(pacer.learned()).toEqual({ burst: 3, intervalMs: 100 });
  });
});
