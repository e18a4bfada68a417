import { expect, test, vi } from 'vitest';
import { lazyRecord } from './lazy-record.js';

test('makes its fields once, when one of them is first looked at', () => {
  const make = vi.fn(() => ({ a: 1, __proto__: null }));
  const record = lazyRecord(make);
  expect(make).not.toHaveBeenCalled();
  expect(record.a).toBe(1);
  expect(record.b).toBeUndefined();
  expect(make).toHaveBeenCalledTimes(1);
});

test('looks like a plain record to every reader', () => {
  const make = () => ({ a: 1, b: [2] });
  expect({ ...lazyRecord(make) }).toEqual(make());
  expect(JSON.stringify(lazyRecord(make))).toBe(JSON.stringify(make()));
  expect(Object.keys(lazyRecord(make))).toEqual(['a', 'b']);
  expect('a' in lazyRecord(make)).toBe(true);
  expect('c' in lazyRecord(make)).toBe(false);
  expect(Object.entries(lazyRecord(make))).toEqual(Object.entries(make()));
  const { b } = lazyRecord(make);
  expect(b).toEqual([2]);
});
