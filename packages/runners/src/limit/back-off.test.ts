import { describe, expect, test } from 'vitest';
import { BackOff, type RequestEnd } from './back-off.js';

const refused = (startedAt: number, retryAfterMs?: number): RequestEnd => ({
  startedAt,
  refusal: 'rate_limited',
  retryAfterMs,
  isExplained: false,
  mayBurst: false,
});
const answered = (startedAt: number): RequestEnd => ({
  ...refused(startedAt),
  refusal: undefined,
});

describe('after a refusal', () => {
  test('starts pause for as long as the server asks, by the longest request', () => {
    const backOff = new BackOff();
    expect(backOff.recordEnd(refused(100, 5_000), 200)).toBe(true);
    expect(backOff.pausedUntil).toBe(5_200);
    expect(backOff.recordEnd(refused(100, 3_000), 300)).toBe(false);
    expect(backOff.pausedUntil).toBe(5_200);
    expect(backOff.recordEnd(refused(100, 6_000), 300)).toBe(true);
    expect(backOff.pausedUntil).toBe(6_300);
  });

  test('starts pause for a second without a retryAfterMs, and longer after each consecutive refusal', () => {
    const backOff = new BackOff();
    const pauses = [];
    for (let now = 1_000; now < 200_000; now = backOff.pausedUntil + 1) {
      backOff.recordEnd(refused(now), now);
      pauses.push(backOff.pausedUntil - now);
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  });

  test('a response ends the series of refusals', () => {
    const backOff = new BackOff();
    backOff.recordEnd(refused(0), 0);
    backOff.recordEnd(refused(1_000), 1_000);
    backOff.recordEnd(answered(3_000), 3_500);
    backOff.recordEnd(refused(4_000), 4_000);
    expect(backOff.pausedUntil).toBe(5_000);
  });

  test('the pace drops by a tenth, and recovers within a minute', () => {
    const backOff = new BackOff();
    expect(backOff.pace(0)).toBe(1);
    backOff.recordEnd(refused(0, 0), 0);
    expect(backOff.pace(0)).toBeCloseTo(0.9);
    expect(backOff.pace(30_000)).toBeCloseTo(0.95);
    expect(backOff.pace(90_000)).toBe(1);
  });

  test('the pace drops once for all requests sent before it dropped', () => {
    const backOff = new BackOff();
    for (const startedAt of [10, 20, 30]) backOff.recordEnd(refused(startedAt, 0), 100);
    expect(backOff.pace(100)).toBeCloseTo(0.9);
    backOff.recordEnd(refused(110, 0), 120);
    expect(backOff.pace(120)).toBeCloseTo(0.81, 3);
  });

  test('the pace never drops to zero', () => {
    const backOff = new BackOff();
    for (let now = 1; now < 1_000; now++) backOff.recordEnd(refused(now, 0), now);
    expect(backOff.pace(1_000)).toBeCloseTo(0.05, 3);
  });

  test('a few refusals among hundreds of requests do not change the pace, many of them do', () => {
    const backOff = new BackOff();
    for (let now = 1; now <= 500; now++) backOff.recordEnd(answered(now), now);
    backOff.recordEnd(refused(501, 0), 501);
    expect(backOff.pace(501)).toBe(1);
    for (let now = 502; now < 600; now++) backOff.recordEnd(refused(now, 0), now);
    expect(backOff.pace(600)).toBeLessThan(0.2);
  });

  /** The pace after so many requests, of which the server refuses some. */
  function paceAfter(requests: number, isRefused: (n: number, pace: number) => boolean) {
    const backOff = new BackOff();
    let now = 1_000;
    let lowest = 1;
    for (let n = 0; n < requests; n++) {
      const pace = backOff.pace(now);
      lowest = Math.min(lowest, pace);
      now += 10 / pace;
      backOff.recordEnd(isRefused(n, pace) ? refused(now - 5, 0) : answered(now - 5), now);
    }
    return { pace: backOff.pace(now), lowest };
  }

  test.each([15, 8, 5])('the pace returns when each %sth request is refused at any pace', (nth) => {
    const { pace, lowest } = paceAfter(3_000, (n) => n % nth === 0);
    expect(pace).toBe(1);
    expect(lowest).toBeGreaterThan(0.4);
  });

  test('refusals that do not come from the pace are passed over for a minute, also among slow requests', () => {
    const backOff = new BackOff();
    let now = 1_000;
    let atFullPace = 0;
    for (let n = 0; n < 2_000; n++) {
      const pace = backOff.pace(now);
      if (n >= 1_000 && pace === 1) atFullPace++;
      now += 1_000 / pace;
      backOff.recordEnd(n % 8 === 0 ? refused(now - 500, 0) : answered(now - 500), now);
    }
    expect(atFullPace).toBeGreaterThan(400);
  });

  test.each([0.9, 0.7, 0.5, 0.3])('the pace falls to a limit of %s of the given one', (limit) => {
    let room = 0;
    const { pace } = paceAfter(5_000, (_, at) => {
      room = Math.min(5, room + limit / at);
      if (room < 1) return true;
      room--;
      return false;
    });
    expect(pace).toBeGreaterThan(limit * 0.8);
    expect(pace).toBeLessThan(limit * 1.05);
  });

  test('bursts become smaller before the pace drops, once for all requests of a burst', () => {
    const backOff = new BackOff();
    for (const startedAt of [10, 10, 10]) {
      backOff.recordEnd({ ...refused(startedAt, 0), mayBurst: true }, 100);
    }
    expect([backOff.burst, backOff.pace(100)]).toEqual([0.5, 1]);
    backOff.recordEnd({ ...refused(110, 0), mayBurst: true }, 120);
    expect([backOff.burst, backOff.pace(120)]).toEqual([0.25, 1]);
    backOff.recordEnd(refused(130, 0), 140);
    expect([backOff.burst, backOff.pace(140)]).toEqual([0.25, 0.9]);
  });

  test('the pace stays when a lower limit explains the refusal', () => {
    const backOff = new BackOff();
    backOff.recordEnd({ ...refused(0, 1_000), isExplained: true }, 0);
    expect(backOff.pace(0)).toBe(1);
    expect(backOff.pausedUntil).toBe(1_000);
  });
});

test('an overloaded server pauses starts for as long as it asks, without a lower pace', () => {
  const backOff = new BackOff();
  backOff.recordEnd({ ...refused(0, 2_000), refusal: 'overloaded' }, 0);
  expect(backOff.pausedUntil).toBe(2_000);
  backOff.recordEnd({ ...refused(0), refusal: 'overloaded' }, 5_000);
  expect(backOff.pausedUntil).toBe(2_000);
  expect(backOff.pace(5_000)).toBe(1);
});

test('a wait that is asked for with another error pauses nothing', () => {
  const backOff = new BackOff();
  expect(backOff.recordEnd({ ...answered(0), retryAfterMs: 9_000 }, 0)).toBe(false);
  expect(backOff.pausedUntil).toBe(0);
});
