import { expect, test } from 'vitest';
import { parseDuration } from './parse-duration.js';

test.each([
  ['500ms', 500],
  ['30s', 30_000],
  ['1.5m', 90_000],
  ['2h', 7_200_000],
  [' 1s ', 1_000],
])('%s is %d milliseconds', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(['', '30', 's', '-1s', '1 s', '1d', '1e3s', '.5s', '1s2s', '0x10s', '٣s'])(
  '"%s" is not a duration',
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);
