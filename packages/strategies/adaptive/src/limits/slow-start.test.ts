import { expect, test } from 'vitest';
import { SlowStart } from './slow-start.js';

test('the additional starts of a raise are spread over a fifth of a latency', () => {
  const slowStart = new SlowStart(10);
  expect(slowStart.availableAt(100, 7)).toBe(7);
  slowStart.recordLimit(20, 1_000, 50);
  expect(slowStart.availableAt(9, 50)).toBe(50);
  expect(slowStart.availableAt(10, 50)).toBe(70);
  expect(slowStart.availableAt(14, 50)).toBe(150);
  expect(slowStart.availableAt(19, 50)).toBe(250);
  expect(slowStart.availableAt(19, 400)).toBe(400);
  slowStart.recordLimit(12, 1_000, 500);
  expect(slowStart.availableAt(11, 500)).toBe(500);
});
