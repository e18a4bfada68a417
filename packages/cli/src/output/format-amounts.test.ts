import { expect, test } from 'vitest';
import { formatCost, formatCount } from './format-amounts.js';

test.each([
  [0, '0'],
  [9_999, '9,999'],
  [10_000, '10.0k'],
  [999_949, '999.9k'],
  [999_950, '1.0M'],
  [3_140_000, '3.1M'],
])('%d tokens are shown as %s', (count, text) => {
  expect(formatCount(count)).toBe(text);
});

test.each([
  [null, 'no price known'],
  [0, '$0'],
  [0.0004, '<$0.001'],
  [0.0005, '$0.001'],
  [0.0871, '$0.087'],
  [0.9996, '$1.00'],
  [12.4, '$12.40'],
])('a cost of %d is shown as %s', (costUsd, text) => {
  expect(formatCost(costUsd)).toBe(text);
});
