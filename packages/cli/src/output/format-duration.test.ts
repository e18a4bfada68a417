import { expect, test } from 'vitest';
import { formatDuration } from './format-duration.js';

test.each([
  [0, '0 ms'],
  [0.4, '0 ms'],
  [999.4, '999 ms'],
  [999.5, '1.0 s'],
  [59_949, '59.9 s'],
  [59_950, '1 m 0 s'],
  [79_000, '1 m 19 s'],
  [3_599_400, '59 m 59 s'],
  [3_599_600, '1 h 0 m'],
  [4_500_000, '1 h 15 m'],
])('%d ms are shown as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
