import { expect, test } from 'vitest';
import { bytes, dollars, duration, percent, plural, roughDuration, tokens } from './format.js';
import { tickLabel, tickStep } from './ticks.js';

test.each([
  [0.2, '0 s'],
  [969, '969 ms'],
  [999.6, '1.0 s'],
  [4_321, '4.3 s'],
  [59_960, '1 m 00 s'],
  [78_567, '1 m 19 s'],
  [4_500_000, '1 h 15 m'],
  [undefined, '–'],
])('a duration of %s ms is "%s"', (ms, text) => {
  expect(duration(ms)).toBe(text);
});

test('what will come is rounded to 5 s, then to minutes', () => {
  expect([1_000, 21_000, 58_000, 61_000, 4_260_000].map(roughDuration)).toEqual([
    '5 s',
    '20 s',
    '1 m',
    '1 m',
    '1 h 11 m',
  ]);
});

test('tokens, money, shares and sizes are short', () => {
  expect([9_999, 12_394, 1_234_567].map(tokens)).toEqual(['9,999', '12.4k', '1.23M']);
  expect([0, 0.0001, 0.087, 12.5].map(dollars)).toEqual(['$0', '<$0.001', '$0.087', '$12.50']);
  expect([percent(1, 1_000), percent(1, 3), percent(0, 0)]).toEqual(['<1 %', '33 %', '0 %']);
  expect([999, 48_000, 10_000_000].map(bytes)).toEqual(['999 bytes', '48 KB', '10.0 MB']);
  expect([plural(1, 'task'), plural(1_200, 'task')]).toEqual(['1 task', '1,200 tasks']);
});

test.each([
  [12_900, 1_000, 2_000],
  [79_000, 1_100, 10_000],
  [79_000, 200, 60_000],
  [1, 1_000, 1],
  [864_000_000, 1_000, 86_400_000],
])('ticks of %d ms on %d pixels are %d ms apart', (span, width, step) => {
  expect(tickStep(span, width)).toBe(step);
});

test('ticks are labelled in the unit that people count in', () => {
  expect([0, 500, 10_000, 70_000, 3_660_000].map((ms) => tickLabel(ms, 500))).toEqual([
    '0',
    '0.5 s',
    '10.0 s',
    '1 m 10 s',
    '1 h 1 m',
  ]);
  expect(tickLabel(15_000, 5_000)).toBe('15 s');
});
