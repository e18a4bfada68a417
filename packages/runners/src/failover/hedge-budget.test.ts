import { expect, test } from 'vitest';
import { ExtraShare } from './hedge-budget.js';

function spendable(share: ExtraShare): number {
  let count = 0;
  while (share.spend()) count++;
  return count;
}

test.each([
  [0.1, 9, 0],
  [0.1, 10, 1],
  [0.1, 100, 10],
  [0.05, 60, 3],
  [1, 1, 1],
])('with a share of %d, %d requests earn %d more', (share, requests, expected) => {
  const extra = new ExtraShare(share);
  let spent = 0;
  for (let count = 0; count < requests; count++) {
    extra.earn();
    spent += spendable(extra);
  }
  expect(spent).toBe(expected);
});

test('no more than ten are saved up', () => {
  const extra = new ExtraShare(0.1);
  for (let count = 0; count < 1_000; count++) extra.earn();
  expect(spendable(extra)).toBe(10);
});
