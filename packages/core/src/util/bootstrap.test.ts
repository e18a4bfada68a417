import { expect, test } from 'vitest';
import { bootstrapOf, meanUncertainty } from './bootstrap.js';

/** Repeats these numbers. */
function numbers(...values: readonly number[]): () => number {
  let next = 0;
  return () => values[next++ % values.length] as number;
}

test('draws each position as often as its weight says', () => {
  // The weights are -ln(1 - x): 1, 2 and 1.
  const [one, two] = [1 - Math.exp(-1), 1 - Math.exp(-2)];
  const draw = bootstrapOf(3, numbers(one, two, one));
  const drawn = Array.from({ length: 8 }, (_, n) => draw(() => (n + 0.5) / 8));
  expect(drawn).toEqual([0, 0, 1, 1, 1, 1, 2, 2]);
  expect([draw(() => 0), draw(() => 1 - 2 ** -53)]).toEqual([0, 2]);
});

test('a mean of few values is uncertain beyond its weights, one of many is not', () => {
  const shares = [2, 3, 5, 10, 30, 1_000].map(meanUncertainty);
  expect(shares).toEqual(shares.toSorted((a, b) => b - a));
  expect(shares[0]).toBeGreaterThan(1.6);
  expect(shares.at(-1)).toBeLessThan(0.01);
});
