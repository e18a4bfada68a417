import { expect, test } from 'vitest';
import { LimitSearch } from './limit-search.js';

test('a timeout and a server error are no burst together', () => {
  const search = new LimitSearch(128, 0.1);
  search.recordError(5, 'refused');
  search.recordError(9, 'timed out', true);
  expect(search.limit).toBe(16);
  expect(search.learned().ceiling).toBeUndefined();
  search.recordError(9, 'timed out', true);
  expect(search.limit).toBe(9);
  expect(search.learned().ceiling).toBe(9);
});
