import { expect, test } from 'vitest';
import { ErrorBursts } from './error-bursts.js';

test('are nothing one at a time, however many come over time', () => {
  const signs = new ErrorBursts();
  for (let n = 0; n < 100; n++) {
    expect(signs.seen(3, 16)).toBeUndefined();
    for (let answer = 0; answer < 50; answer++) signs.answered(16);
  }
});

test('are something when a tenth of the limit shows them, beside the fewest of those', () => {
  const signs = new ErrorBursts();
  const seen = [40, 33, 38, 45, 50, 51, 52].map((beside) => signs.seen(beside, 64));
  expect(seen).toEqual([...Array(6).fill(undefined), 33]);
  expect(signs.seen(10, 64)).toBeUndefined();
});

test('are something from two on', () => {
  const signs = new ErrorBursts();
  expect([signs.seen(3, 4), signs.seen(2, 4)]).toEqual([undefined, 2]);
});
