import fc from 'fast-check';
import { expect, test } from 'vitest';
import { select } from './select.js';

/** Without -0, which equals 0 here. */
const numbers = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.float({ noNaN: true }));
const lists = fc.array(
  numbers.map((value) => value + 0),
  { minLength: 1 },
);

test('selects the values that sorting puts at a position, and at a later one', () => {
  fc.assert(
    fc.property(lists, fc.nat(), fc.nat(), (list, a, b) => {
      const sorted = Float64Array.from(list).sort();
      const values = Float64Array.from(list);
      const [first, second] = [a % list.length, b % list.length].sort((x, y) => x - y);
      expect(select(values, first as number)).toBe(sorted[first as number]);
      expect(select(values, second as number, first)).toBe(sorted[second as number]);
      expect(values.sort()).toEqual(sorted);
    }),
    { numRuns: 2_000, seed: 1 },
  );
});

test('takes little time for values that keep falling to one side', () => {
  // Each pivot in the middle is the smallest value left.
  const values = Float64Array.from({ length: 100_000 }, (_, at) => Math.abs(at - 50_000));
  expect(select(values, 99_999)).toBe(50_000);
});
