import { expect, test } from 'vitest';
import { ErrorBursts } from './error-bursts.js';

test('single errors are no burst, however many occur over time', () => {
  const bursts = new ErrorBursts();
  for (let n = 0; n < 100; n++) {
    expect(bursts.recordError(3, 16)).toBeUndefined();
    for (let answer = 0; answer < 50; answer++) bursts.recordAnswer(16);
  }
});

test('errors of a tenth of the limit are a burst, at the lowest of their concurrencies', () => {
  const bursts = new ErrorBursts();
  const results = [40, 33, 38, 45, 50, 51, 52].map((inFlight) => bursts.recordError(inFlight, 64));
  expect(results).toEqual([...Array(6).fill(undefined), 33]);
  expect(bursts.recordError(10, 64)).toBeUndefined();
});

test('two errors are enough at a low limit', () => {
  const bursts = new ErrorBursts();
  expect([bursts.recordError(3, 4), bursts.recordError(2, 4)]).toEqual([undefined, 2]);
});
