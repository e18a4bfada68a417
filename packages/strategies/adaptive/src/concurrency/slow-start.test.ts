import { expect, test } from 'vitest';
import { SlowStart } from './slow-start.js';

test('the starts that a raise allows are spread over a fifth of a latency', () => {
  const ramp = new SlowStart();
  expect(ramp.availableAt(100, 7)).toBe(7);
  ramp.raised(10, 20, 1_000, 50);
  expect(ramp.availableAt(9, 50)).toBe(50);
  expect(ramp.availableAt(10, 50)).toBe(70);
  expect(ramp.availableAt(14, 50)).toBe(150);
  expect(ramp.availableAt(19, 50)).toBe(250);
  expect(ramp.availableAt(19, 400)).toBe(400);
  ramp.raised(20, 12, 1_000, 500);
  expect(ramp.availableAt(11, 500)).toBe(500);
});
