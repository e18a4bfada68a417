import { expect, test } from 'vitest';
import { mapCoverageOf } from './map-coverage.js';
import { MAP_KINDS } from './map-kinds.js';

test.each([
  { sample: 40, rows: 150, maxParallel: 10, isLearning: false },
  // The sample has not seen the load of the rest.
  { sample: 10, rows: 100, maxParallel: 16, isLearning: false },
  { sample: 10, rows: 100, maxParallel: 8, isLearning: true },
])('the range of a time from a sample holds in 70 to 90 % of maps: %o', (sizes) => {
  const shares = MAP_KINDS.map((kind) => mapCoverageOf(kind, sizes, 12).time);
  const held = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  expect(held).toBeGreaterThanOrEqual(0.7);
  expect(held).toBeLessThanOrEqual(0.9);
  // No kind of server is hopeless.
  expect(Math.min(...shares)).toBeGreaterThanOrEqual(0.4);
});
