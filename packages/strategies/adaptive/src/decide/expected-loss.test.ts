import { expect, test } from 'vitest';
import { hypotheses } from '../estimate/hypotheses.js';
import { ExpectedLoss } from './expected-loss.js';

const all = hypotheses(128);
/** Certainty about one hypothesis. */
const certain = (knee: number, exponent: number) =>
  Float64Array.from(all, (each) => (each.knee === knee && each.exponent === exponent ? 1 : 0));
const NO_KNEE = certain(Number.POSITIVE_INFINITY, 0);

const bestOf = (threshold: number, probabilities: Float64Array) => {
  const expectedLoss = new ExpectedLoss(all, threshold, 128);
  const numbers = Array.from({ length: 128 }, (_, n) => n + 1);
  return numbers.reduce((best, n) =>
    expectedLoss.at(n, probabilities) < expectedLoss.at(best, probabilities) ? n : best,
  );
};

test('is lowest at the knee, or at the cap without a knee', () => {
  expect(bestOf(0.1, certain(8, 1.5))).toBe(8);
  expect(bestOf(0.1, certain(8, 1))).toBe(8);
  expect(bestOf(0.1, NO_KNEE)).toBe(128);
});

test('is lower above a soft knee only if the threshold is below the gain', () => {
  // Doubling the number in flight raises throughput by a factor of 1.41.
  expect(bestOf(0.4, certain(8, 0.5))).toBe(128);
  expect(bestOf(0.42, certain(8, 0.5))).toBe(8);
});

test('is lowest at a compromise while two hypotheses are likely', () => {
  const either = NO_KNEE.map(
    (probability, h) => 0.5 * probability + 0.5 * (certain(4, 1.5)[h] as number),
  );
  const best = bestOf(0.1, either);
  const expectedLoss = new ExpectedLoss(all, 0.1, 128);
  expect(expectedLoss.at(best, either)).toBeGreaterThan(0.3);
  expect(expectedLoss.at(4, certain(4, 1.5))).toBeCloseTo(0, 12);
});
