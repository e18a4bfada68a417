import { describe, expect, test } from 'vitest';
import { serve, times, together } from '../../test/serve.js';
import { concurrencyKnee, cpuBound } from './load.js';

const last = (values: readonly (number | undefined)[]) => values.at(-1);

describe('concurrencyKnee', () => {
  test.each([4, 16, 64])('keeps latency flat up to %i in flight', (knee) => {
    expect(last(times(serve(concurrencyKnee({ knee }), together(knee))))).toBe(1_000);
  });

  test('increases latency and reduces throughput past the knee', () => {
    const latency = (count: number, exponent = 1.5) =>
      last(times(serve(concurrencyKnee({ knee: 4, exponent }), together(count)))) as number;
    expect(latency(8)).toBeCloseTo(1_000 * 2 ** 1.5, 3);
    expect(latency(16)).toBeCloseTo(1_000 * 4 ** 1.5, 3);
    expect(latency(16, 1)).toBeCloseTo(4_000, 3);
  });

  test('speeds up requests in flight as others end', () => {
    const model = concurrencyKnee({ knee: 1, exponent: 1 });
    // Both at half speed until the short one is done after 200 ms.
    const arrivals = [
      { at: 0, workMs: 100 },
      { at: 0, workMs: 500 },
    ];
    expect(times(serve(model, arrivals))).toEqual([200, 600]);
  });

  test('applies changes to requests in flight as well', () => {
    const changes = [{ atMs: 1_000, factor: 2 }];
    const model = concurrencyKnee({ knee: 2, exponent: 1, changes });
    expect(times(serve(model, together(4)))).toEqual([1_500, 1_500, 1_500, 1_500]);
  });

  test('spreads latencies by sigma', () => {
    const [a, b] = times(serve(concurrencyKnee({ knee: 4, sigma: 0.3 }), together(2)));
    expect(a).not.toBe(b);
  });

  test.each([
    [{ knee: 0 }, 'knee must be a number above 0'],
    [{ knee: 4, exponent: -1 }, 'exponent'],
    [{ knee: 4, sigma: Number.NaN }, 'sigma'],
    [{ knee: 4, power: 2 }, '"power"'],
  ])('rejects %o', (options, message) => {
    expect(() => concurrencyKnee(options)).toThrow(message);
  });
});

describe('cpuBound', () => {
  test.each([1, 3, 50])('has the same throughput with %i in flight', (count) => {
    const ends = times(serve(cpuBound(), together(count)));
    expect(last(ends)).toBeCloseTo(1_000 * count, 6);
  });

  test('runs as many requests at full speed as it has cores', () => {
    expect(last(times(serve(cpuBound({ cores: 8 }), together(8))))).toBe(1_000);
    expect(last(times(serve(cpuBound({ cores: 8 }), together(16))))).toBe(2_000);
  });

  test('rejects a fraction of a core', () => {
    expect(() => cpuBound({ cores: 0.5 })).toThrow('cores');
    expect(() => cpuBound({ sigma: -1 })).toThrow('sigma');
  });
});
