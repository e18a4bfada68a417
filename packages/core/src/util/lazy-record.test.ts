import { expect, test, vi } from 'vitest';
import { lazyRecords } from './lazy-record.js';

/** A record that is made by a function. */
const lazyRecord = lazyRecords((make: () => Record<string, unknown>) => make());

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
  expect(Object.getPrototypeOf(lazyRecord(make))).toBeNull();
});

test('keeps what is written to it', () => {
  const record = lazyRecord(() => ({ a: 1, b: 2 }));
  record.a = 5;
  delete record.b;
  expect({ ...record }).toEqual({ a: 5 });
});
