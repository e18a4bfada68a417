import { expect, test } from 'vitest';
import { formatDuration } from './format-duration.js';

test.each([
  [0, '0.0 s'],
  [449, '0.4 s'],
  [59_949, '59.9 s'],
  [59_951, '1 min 0 s'],
  [125_000, '2 min 5 s'],
  [3_600_000, '60 min 0 s'],
])('%d milliseconds are shown as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
