import { expect, test } from 'vitest';
import { HedgeBudget } from './hedge-budget.js';

function spendable(budget: HedgeBudget): number {
  let count = 0;
  while (budget.spend()) count++;
  return count;
}

test.each([
  [0.1, 9, 0],
  [0.1, 10, 1],
  [0.1, 100, 10],
  [0.05, 60, 3],
  [1, 1, 1],
])('with a share of %d, %d requests earn %d hedges', (share, requests, expected) => {
  const budget = new HedgeBudget(share);
  let spent = 0;
  for (let count = 0; count < requests; count++) {
    budget.earn();
    spent += spendable(budget);
  }
  expect(spent).toBe(expected);
});

test('at most ten hedges are saved up', () => {
  const budget = new HedgeBudget(0.1);
  for (let count = 0; count < 1_000; count++) budget.earn();
  expect(spendable(budget)).toBe(10);
});
