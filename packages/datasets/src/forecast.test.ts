import { describe, expect, test } from 'vitest';
import { forecastOf, type RowFigures } from './forecast.js';
import { randomOf } from './read/random.js';

/** Rows whose cost is log-normal, as that of answers of different lengths. */
function rowsOf(random: () => number, count: number, spread: number): RowFigures[] {
  return Array.from({ length: count }, () => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const size = Math.exp(spread * normal);
    return { costUsd: size, tokens: 1_000 * size, durationMs: 500 * size };
  });
}

describe('forecastOf()', () => {
  test.each([
    [10, 200, 0.3],
    [10, 1_000, 0.6],
    [30, 5_000, 0.8],
  ])(
    'a range from %d rows holds for %d further ones in 70 to 90 % of all cases',
    (from, rows, spread) => {
      let held = 0;
      const cases = 400;
      for (let seed = 0; seed < cases; seed++) {
        const random = randomOf(seed);
        const forecast = forecastOf(rowsOf(random, from, spread), rows, 8);
        const real = rowsOf(random, rows, spread).reduce((sum, row) => sum + (row.costUsd ?? 0), 0);
        const { low = 0, high = 0 } = forecast?.costUsd ?? {};
        if (low <= real && real <= high) held++;
      }
      expect(held / cases).toBeGreaterThanOrEqual(0.7);
      expect(held / cases).toBeLessThanOrEqual(0.9);
    },
  );

  test('divides the work by the rows at once, and has no sum where a price is unknown', () => {
    const done = [
      { costUsd: 1, tokens: 10, durationMs: 100 },
      { costUsd: undefined, tokens: 10, durationMs: 100 },
    ];
    expect(forecastOf(done, 100, 4)).toEqual({
      ...{ rows: 100, from: 2 },
      tokens: { expected: 1_000, low: 1_000, high: 1_000 },
      timeMs: { expected: 2_500, low: 2_500, high: 2_500 },
    });
    expect(forecastOf([], 100, 4)).toBeUndefined();
  });
});
