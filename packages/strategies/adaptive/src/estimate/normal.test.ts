import { expect, test } from 'vitest';
import { logSurvival, truncatedMean } from './normal.js';

test.each([
  [-1, -0.172753779],
  [0, -Math.LN2],
  [1, -1.841021645],
  [3, -6.607726222],
  [6, -20.736768889],
  [4.001, -10.364325],
  [20, -203.917155],
  [100, -5005.524209],
])('the survival probability at %d is exp(%d)', (z, log) => {
  expect(logSurvival(z) / log).toBeCloseTo(1, 4);
});

test('far below the mean, survival is as good as certain', () => {
  expect(logSurvival(-5)).toBeCloseTo(0, 6);
  expect(logSurvival(-5.001)).toBeCloseTo(0, 6);
});

test('the truncated mean is above the bound, and only slightly far out', () => {
  expect(truncatedMean(-30)).toBeCloseTo(0, 12);
  expect(truncatedMean(0)).toBeCloseTo(Math.sqrt(2 / Math.PI), 5);
  for (const z of [0.5, 3, 6.5, 40, 1e6]) {
    expect(truncatedMean(z)).toBeGreaterThan(z);
    expect(truncatedMean(z)).toBeLessThanOrEqual(z + 1 / z);
  }
});
