import { expect, test } from 'vitest';
import { citationsOf } from './citation.js';

test('citations from outside keep their own fields, each once, and nobody can change them', () => {
  const given = { url: 'https://a.b', title: 'T', quote: 'q', start: 0, end: 3, secret: 'x' };
  const citations = citationsOf([given, { ...given }, null, 'text', { quote: 'of nothing' }]);
  expect(citations).toEqual([{ url: 'https://a.b', title: 'T', quote: 'q', start: 0, end: 3 }]);
  expect(Object.isFrozen(citations) && Object.isFrozen(citations?.[0])).toBe(true);
});

test('odd fields are left out', () => {
  const odd = { url: 'https://a.b', title: 7, start: -1, end: 1.5 };
  expect(citationsOf([odd])).toEqual([{ url: 'https://a.b' }]);
});

test.each([undefined, null, 'x', {}, [], [{}]])('%j has no citations', (value) => {
  expect(citationsOf(value)).toBeUndefined();
});

test('a thousand citations are kept at most', () => {
  const many = Array.from({ length: 1_500 }, (_, n) => ({ url: `https://a.b/${n}` }));
  expect(citationsOf(many)).toHaveLength(1_000);
});
