import { describe, expect, test } from 'vitest';
import { type Forecast, forecastOf, type RowFigures } from './forecast.js';
import { randomOf } from './read/random.js';

/** Rows whose cost is log-normal, as that of answers of different lengths. */
function rowsOf(random: () => number, count: number, spread: number): RowFigures[] {
  return Array.from({ length: count }, () => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const size = Math.exp(spread * normal);
    return { costUsd: size, tokens: 1_000 * size, durationMs: 500 * size };
  });
}

const fixed = (maxParallel: number) => ({ maxParallel, isLearning: false });

describe('forecastOf()', () => {
  test.each([
    [10, 200, 0.3],
    [10, 1_000, 0.6],
    [30, 5_000, 0.8],
  ])(
    'a range from %d rows holds for %d further ones in 70 to 90 % of all cases',
    (from, rows, spread) => {
      let held = 0;
      const cases = 120;
      for (let seed = 0; seed < cases; seed++) {
        const random = randomOf(seed);
        const forecast = forecastOf(rowsOf(random, from, spread), rows, fixed(8));
        const real = rowsOf(random, rows, spread).reduce((sum, row) => sum + (row.costUsd ?? 0), 0);
        const { low = 0, high = 0 } = forecast?.costUsd ?? {};
        if (low <= real && real <= high) held++;
      }
      expect(held / cases).toBeGreaterThanOrEqual(0.7);
      expect(held / cases).toBeLessThanOrEqual(0.9);
    },
  );

  test.each([
    [30, 200, 0.4],
    [30, 400, 0.9],
  ])(
    'a time from %d rows holds for %d further ones in 70 to 90 % of all cases',
    (from, rows, spread) => {
      let held = 0;
      const cases = 100;
      for (let seed = 0; seed < cases; seed++) {
        const random = randomOf(seed);
        const forecast = forecastOf(scheduled(rowsOf(random, from, spread), 8), rows, fixed(8));
        const later = scheduled(rowsOf(random, rows, spread), 8);
        const real = Math.max(...later.map((row) => row.startedAt + row.durationMs));
        const { low = 0, high = 0 } = forecast?.timeMs ?? {};
        if (low <= real && real <= high) held++;
      }
      expect(held / cases).toBeGreaterThanOrEqual(0.7);
      expect(held / cases).toBeLessThanOrEqual(0.9);
    },
  );

  test('expects that rows take longer when more are under way, as far as the sample shows it', () => {
    const crowded = Array.from({ length: 24 }, (_, n) => {
      const together = n % 2 === 0 ? 8 : 1;
      return {
        startedAt: Math.floor(n / 8) * 10_000 + (together === 1 ? 5_000 + n * 100 : 0),
        together,
      };
    });
    const slow = crowded.map(({ startedAt, together }) => ({
      ...{ costUsd: 1, tokens: 1, startedAt },
      durationMs: together === 1 ? 50 : 400,
    }));
    const same = slow.map((row) => ({ ...row, startedAt: undefined }));
    const timeOf = (rows: RowFigures[]) =>
      forecastOf(rows, 100, fixed(8))?.timeMs?.expected as number;
    expect(timeOf(slow)).toBeGreaterThan(1.05 * timeOf(same));
  });

  test('divides the work by the rows at once, and has no sum where a price is unknown', () => {
    const done = [
      { costUsd: 1, tokens: 10, durationMs: 100 },
      { costUsd: undefined, tokens: 10, durationMs: 100 },
    ];
    const { timeMs, ...others } = forecastOf(done, 100, fixed(4)) as Forecast;
    expect(others).toEqual({
      ...{ rows: 100, from: 2 },
      tokens: { expected: 1_000, low: 1_000, high: 1_000 },
    });
    // A server may become faster or slower.
    const { expected = 0, low = 0, high = 0 } = timeMs ?? {};
    expect(Math.abs(expected / 2_500 - 1)).toBeLessThan(0.02);
    expect(low).toBeLessThan(2_500);
    expect(high).toBeGreaterThan(2_500);
    expect((high - low) / 2_500).toBeLessThan(0.15);
    expect(forecastOf([], 100, fixed(4))).toBeUndefined();
  });

  test('counts rows that failed for nothing, and knows no sum where all of them did', () => {
    const used = { costUsd: 2, tokens: 100, durationMs: 500 };
    const free = { costUsd: 0, tokens: 0, durationMs: 500 };
    const forecast = forecastOf([used, used, used, free], 100, fixed(4));
    expect(forecast).toMatchObject({ costUsd: { expected: 150 }, tokens: { expected: 7_500 } });
    const unknown = forecastOf([free, free], 100, fixed(4));
    expect(unknown).toEqual({ rows: 100, from: 2, timeMs: expect.anything() });
  });

  test('judges the time by rows that have begun, and lets the others take none', () => {
    // A row each second, whatever there is room for.
    const paced = Array.from({ length: 40 }, (_, n) => ({
      ...{ costUsd: 1, tokens: 1, durationMs: 1_500 },
      startedAt: n * 1_000,
    }));
    const refused = Array.from({ length: 40 }, () => ({ costUsd: 0, tokens: 0, durationMs: 0 }));
    const expected = (rows: readonly RowFigures[]) =>
      forecastOf(rows, 1_000, fixed(8))?.timeMs?.expected as number;
    expect(Math.abs(expected(paced) / 1_000_000 - 1)).toBeLessThan(0.1);
    expect(Math.abs(expected([...paced, ...refused]) / 500_000 - 1)).toBeLessThan(0.1);
    expect(forecastOf(refused, 1_000, fixed(8))?.timeMs?.expected).toBeLessThan(1_000);
  });

  test('takes no longer for more places than matter', () => {
    const done = rowsOf(randomOf(3), 20, 0.5);
    const few = forecastOf(done, 10_000, fixed(1_000))?.timeMs?.expected as number;
    const many = forecastOf(done, 2_000_000, fixed(200_000))?.timeMs?.expected as number;
    expect(many / few).toBeCloseTo(1, 1);
    expect(forecastOf(done, 2_000_000, fixed(Infinity))?.timeMs?.expected).toBeGreaterThan(0);
  });

  test.each([
    [{ costUsd: Number.NaN }],
    [{ tokens: Infinity }],
    [{ startedAt: 'now' }],
    [{ durationMs: undefined }],
  ])('refuses figures with %o', (wrong) => {
    const row = { costUsd: 1, tokens: 1, durationMs: 1, ...wrong };
    expect(() => forecastOf([row as never], 1, fixed(1))).toThrow(
      'forecastOf() takes a list of figures of rows',
    );
  });

  test('expects nothing of no rows', () => {
    const nothing = { expected: 0, low: 0, high: 0 };
    expect(forecastOf(rowsOf(randomOf(1), 5, 0.3), 0, fixed(8))).toEqual({
      ...{ rows: 0, from: 5, costUsd: nothing, tokens: nothing, timeMs: nothing },
    });
  });
});

/** The rows, each beginning as soon as one of the rows before has ended. */
function scheduled(rows: readonly RowFigures[], lanes: number) {
  const ends = new Array<number>(lanes).fill(0);
  return rows.map((row) => {
    const startedAt = Math.min(...ends);
    ends[ends.indexOf(startedAt)] = startedAt + row.durationMs;
    return { ...row, startedAt };
  });
}
