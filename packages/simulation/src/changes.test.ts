import { expect, test } from 'vitest';
import { Changes } from './changes.js';

test('multiplies the factors of the changes that have come, in the order of their times', () => {
  const changes = new Changes('x', [
    { atMs: 20, factor: 0.5 },
    { atMs: 10, factor: 4 },
  ]);
  expect([0, 9, 10, 19, 20, 99].map((now) => changes.factorAt(now))).toEqual([1, 1, 4, 4, 2, 2]);
  expect([0, 10, 20].map((now) => changes.nextAfter(now))).toEqual([10, 20, Infinity]);
});

test.each([
  { atMs: 0, factor: 2 },
  { atMs: 5, factor: 0 },
  { atMs: 5, factor: Infinity },
])('refuses what is no change: %o', (change) => {
  expect(() => new Changes('server()', [change])).toThrow('server(): a change needs');
});

test('refuses a change with an unknown field', () => {
  const change = { atMs: 5, factor: 2, at: 5 };
  expect(() => new Changes('server()', [change])).toThrow('"at"');
});
