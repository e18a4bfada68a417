import { describe, expect, test } from 'vitest';
import { RatePacer } from './rate-pacer.js';

/** Drives a pace against a bucket; every refusal is told at once. */
function drive(pace: RatePacer, { perSecond, level: begin }: { perSecond: number; level: number }) {
  let level = begin;
  let now = 0;
  const drive = { admitted: 0, refused: 0, now: () => now };
  return (until: number) => {
    while (true) {
      const at = pace.availableAt(now);
      if (at >= until) {
        level += ((until - now) / 1_000) * perSecond;
        now = until;
        return drive;
      }
      level += ((at - now) / 1_000) * perSecond;
      now = at;
      pace.started(now);
      if (level >= 1 - 1e-9) {
        level--;
        drive.admitted++;
      } else {
        drive.refused++;
        pace.refused(now - 1, now + ((1 - level) / perSecond) * 1_000, now);
      }
    }
  };
}

describe('a pace', () => {
  test('holds nothing back before anything was refused', () => {
    const pace = new RatePacer();
    for (let n = 0; n < 100; n++) pace.started(7);
    expect(pace.availableAt(7)).toBe(7);
  });

  test('is known after two refusals, and costs one request in thirty from then on', () => {
    const pace = new RatePacer();
    const advance = drive(pace, { perSecond: 5, level: 12 });
    advance(5_000);
    expect(pace.intervalMs).toBeCloseTo(200, -1);
    const { admitted, refused } = advance(100_000);
    expect(admitted).toBeGreaterThan(12 + 0.97 * 500);
    expect(refused).toBeLessThan(0.05 * admitted);
  });

  test('takes refusals of requests sent before the last one was heard for one', () => {
    const pace = new RatePacer();
    for (let n = 0; n < 5; n++) pace.started(0);
    for (let n = 0; n < 3; n++) pace.refused(0, 1_000, 50);
    expect(pace.intervalMs).toBe(0);
    expect(pace.availableAt(50)).toBe(1_000);
  });

  test('goes up where the refusal that is due does not come', () => {
    const pace = new RatePacer({ burst: 1, intervalMs: 200 });
    let now = 0;
    for (let n = 0; n < 120; n++) {
      now = pace.availableAt(now);
      pace.started(now);
    }
    expect(pace.intervalMs).toBeLessThan(20);
  });

  test('goes up sooner where it is known from one start only', () => {
    const pace = new RatePacer();
    pace.started(0);
    pace.refused(0, 100, 50);
    pace.started(100);
    pace.started(101);
    pace.refused(101, 1_100, 150);
    const first = pace.intervalMs;
    expect(first).toBeCloseTo(1_000, -2);
    for (let n = 0; n < 12; n++) pace.started(pace.availableAt(1_100));
    expect(pace.intervalMs).toBeLessThan(first);
  });

  test('does not slow down for a refusal in a hundred, and stops where the last one came', () => {
    const pace = new RatePacer();
    const start = (count: number, at: number) => {
      for (let n = 0; n < count; n++) pace.started(at);
    };
    start(101, 0);
    pace.refused(0, 30_000, 50);
    start(1, 30_000);
    start(1, 30_100);
    start(99, 31_000);
    pace.refused(31_000, 60_000, 31_050);
    expect(pace.intervalMs).toBe(0);
    start(99, 60_000);
    expect(pace.availableAt(60_000)).toBe(60_000);
    start(1, 60_000);
    expect(pace.availableAt(60_000)).toBeGreaterThan(60_000);
  });

  test('waits as long as it is told', () => {
    const pace = new RatePacer();
    pace.wait(500);
    pace.wait(300);
    expect(pace.availableAt(0)).toBe(500);
  });

  test('that is known from before begins after the burst', () => {
    const pace = new RatePacer({ burst: 3, intervalMs: 100 });
    for (let n = 0; n < 3; n++) {
      expect(pace.availableAt(0)).toBe(0);
      pace.started(0);
    }
    expect(pace.availableAt(0)).toBeGreaterThan(90);
    expect(pace.learned()).toEqual({ burst: 3, intervalMs: 100 });
  });
});
