import { expect, test } from 'vitest';
import { leftText } from './left-text.js';

test.each([
  [undefined, ''],
  [1_200, 'about 5 s left'],
  [17_000, 'about 20 s left'],
  [59_000, 'about 1 m left'],
  [150_000, 'about 3 m left'],
  [4_500_000, 'about 1 h 15 m left'],
])('%d ms are shown as "%s"', (ms, text) => {
  expect(leftText(ms)).toBe(text);
});
