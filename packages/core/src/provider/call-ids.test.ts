import { expect, test } from 'vitest';
import { CallIds } from './call-ids.js';

test('an id of the server is kept where it is the first, and numbered where it is not', () => {
  const ids = new CallIds();
  const given = ['a', 'b', 'a', 'a-2', 'a', '', undefined, null, 7, 'call-1'];
  const taken = given.map((id) => ids.take(id));
  expect(taken.slice(0, 3)).toEqual(['a', 'b', 'a-2']);
  expect(taken.slice(5, 9)).toEqual(['call-1', 'call-2', 'call-3', 'call-4']);
  expect(new Set(taken).size).toBe(given.length);
});

test('an id stays within 64 characters', () => {
  const ids = new CallIds();
  const long = 'x'.repeat(64);
  expect([ids.take(long), ids.take(long)]).toEqual([long, `${'x'.repeat(62)}-2`]);
});
