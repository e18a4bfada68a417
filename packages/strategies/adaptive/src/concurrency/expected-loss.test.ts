import { expect, test } from 'vitest';
import { hypotheses } from '../model/hypotheses.js';
import { ExpectedLoss } from './expected-loss.js';

const all = hypotheses(128);
/** As if one were known to be true. */
const sure = (knee: number, exponent: number) =>
  Float64Array.from(all, (each) => (each.knee === knee && each.exponent === exponent ? 1 : 0));
const NONE = sure(Number.POSITIVE_INFINITY, 0);

const bestOf = (threshold: number, probabilities: Float64Array) => {
  const worth = new ExpectedLoss(all, threshold, 128);
  const numbers = Array.from({ length: 128 }, (_, n) => n + 1);
  return numbers.reduce((best, n) =>
    worth.loss(n, probabilities) < worth.loss(best, probabilities) ? n : best,
  );
};

test('is the highest at the knee, and without one for as many as may be', () => {
  expect(bestOf(0.1, sure(8, 1.5))).toBe(8);
  expect(bestOf(0.1, sure(8, 1))).toBe(8);
  expect(bestOf(0.1, NONE)).toBe(128);
});

test('is higher past a soft knee only if the threshold is below what more at once bring', () => {
  // Twice as many bring 1.41 times as much.
  expect(bestOf(0.4, sure(8, 0.5))).toBe(128);
  expect(bestOf(0.42, sure(8, 0.5))).toBe(8);
});

test('is a compromise while little is known', () => {
  const either = NONE.map(
    (probability, h) => 0.5 * probability + 0.5 * (sure(4, 1.5)[h] as number),
  );
  const best = bestOf(0.1, either);
  const worth = new ExpectedLoss(all, 0.1, 128);
  expect(worth.loss(best, either)).toBeGreaterThan(0.3);
  expect(worth.loss(4, sure(4, 1.5))).toBeCloseTo(0, 12);
});
