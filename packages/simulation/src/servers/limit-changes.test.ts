import { expect, test } from 'vitest';
import { LimitChanges } from './limit-changes.js';

test('multiplies the factors of past changes, in the order of their times', () => {
  const changes = new LimitChanges('x', [
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
])('rejects an invalid change: %o', (change) => {
  expect(() => new LimitChanges('server()', [change])).toThrow('server(): a change needs');
});

test('rejects a change with an unknown field', () => {
  const change = { atMs: 5, factor: 2, at: 5 };
  expect(() => new LimitChanges('server()', [change])).toThrow('"at"');
});
