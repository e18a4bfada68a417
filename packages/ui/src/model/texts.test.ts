import { expect, test } from 'vitest';
import { cut, oneLine, valueText } from './texts.js';

test('a value is shown as text: strings as they are, others as JSON', () => {
  expect(valueText('a\nb')).toBe('a\nb');
  expect(valueText({ a: [1] })).toBe('{\n  "a": [\n    1\n  ]\n}');
  expect(valueText(undefined)).toBe('');
});

test('what JSON has no form for is readable', () => {
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  expect(valueText(cycle)).toContain('(a cycle)');
  const twice = { a: 1 };
  expect(valueText([twice, twice])).not.toContain('(a cycle)');
  expect(valueText({ big: 5n, bytes: new Uint8Array(3), map: new Map([['a', 1]]) })).toBe(
    '{\n  "big": "5n",\n  "bytes": "(3 bytes)",\n  "map": {\n    "a": 1\n  }\n}',
  );
});

test('a long text is cut between letters, and its length is kept', () => {
  expect(cut('abc', 3)).toEqual({ text: 'abc' });
  expect(cut('a😀b', 2)).toEqual({ text: 'a', cutFrom: 6 });
  expect(cut('x'.repeat(10_000_000), 5)).toEqual({ text: 'xxxxx', cutFrom: 10_000_000 });
});

test('lone surrogates are replaced', () => {
  expect(cut('a\ud800b', 10)).toEqual({ text: 'a\ufffdb' });
  expect(oneLine('a\n\n b\udc00', 10)).toBe('a b\ufffd');
  expect(oneLine('word '.repeat(50), 12)).toBe('word word w…');
});
