import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bar, divide } from './bar.js';

test.each([
  [0, ''],
  [0.001, '▏'],
  [0.5, '█████'],
  [0.55, '█████▌'],
  [1, '██████████'],
  [2, '██████████'],
])('a share of %d of ten columns is "%s"', (share, text) => {
  expect(bar(share, 10)).toBe(text);
});

test('a width is divided completely, and no amount above 0 disappears', () => {
  const amounts = fc.array(
    fc.oneof(fc.constant(0), fc.double({ min: 0.001, max: 1e6, noNaN: true })),
    {
      minLength: 1,
      maxLength: 8,
    },
  );
  fc.assert(
    fc.property(amounts, fc.integer({ min: 8, max: 200 }), (list, width) => {
      const columns = divide(width, list);
      const total = list.reduce((sum, amount) => sum + amount, 0);
      expect(columns.reduce((a, b) => a + b)).toBe(total > 0 ? width : 0);
      for (const [index, amount] of list.entries()) {
        if (amount > 0) expect(columns[index]).toBeGreaterThan(0);
        else expect(columns[index]).toBe(0);
      }
    }),
  );
});
