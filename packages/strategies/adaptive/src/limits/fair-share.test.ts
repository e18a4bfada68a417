import { expect, test } from 'vitest';
import { fairShare } from './fair-share.js';

test('runs that could use more places than there are get the same', () => {
  expect(fairShare(16, 100, [100])).toBe(8);
  expect(fairShare(16, 100, [50, 20, 90])).toBe(4);
  expect(fairShare(15, 100, [100])).toBe(7.5);
});

test('places that a run does not need go to the others', () => {
  expect(fairShare(16, 100, [2])).toBe(14);
  expect(fairShare(16, 2, [100])).toBe(2);
  expect(fairShare(16, 100, [0, 2, 100])).toBe(7);
});

test('a run that is alone gets all', () => {
  expect(fairShare(16, 100, [])).toBe(16);
  expect(fairShare(16, 3, [])).toBe(3);
});

test('the share is a part of a place when there are more runs than places', () => {
  expect(fairShare(1, 5, [5, 5])).toBeCloseTo(1 / 3);
});
