import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hashOfId } from '../util/hash.js';
import { IdIndex } from './id-index.js';

/** Ids that all belong in the same place of a table of up to 1,024 places. */
function collidingIds(count: number): string[] {
  const ids: string[] = [];
  for (let number = 0; ids.length < count; number++) {
    const id = `id ${number}`;
    if ((hashOfId(id) & 1_023) === 0) ids.push(id);
  }
  return ids;
}

/** An index of a list that begins with `expected` of these ids, and gets the others later. */
function indexOf(ids: readonly string[], expected: number) {
  const owners = ids.slice(0, expected).map((id) => ({ id }));
  const index = new IdIndex(owners);
  const later = owners.slice();
  index.moveTo(later);
  const store = (position: number) => {
    if (position === later.length) later.push({ id: ids[position] as string });
    index.storeNext();
  };
  return { index, store };
}

/** An index that has stored these ids. */
function indexWith(ids: readonly string[], expected = 0): IdIndex {
  const { index, store } = indexOf(ids, expected);
  for (const position of ids.keys()) store(position);
  return index;
}

test('finds the last position of each id, for any expected number of ids', () => {
  const lists = fc.array(fc.string({ maxLength: 3 }), { maxLength: 300 });
  fc.assert(
    fc.property(lists, fc.nat(300), fc.string({ maxLength: 3 }), (ids, expected, other) => {
      const { index, store } = indexOf(ids, expected);
      for (const [position, id] of ids.entries()) {
        const known = ids.slice(0, position).lastIndexOf(id);
        expect(index.indexOf(id)).toBe(known < 0 ? undefined : known);
        store(position);
      }
      for (const id of [...ids, other]) {
        const last = ids.lastIndexOf(id);
        expect(index.indexOf(id)).toBe(last < 0 ? undefined : last);
      }
      expect(index.uniqueIds).toBe(new Set(ids).size);
    }),
  );
});

test('treats "__proto__" and "constructor" like any other id', () => {
  expect(new IdIndex([]).indexOf('constructor')).toBeUndefined();
  const index = indexWith(['constructor', '__proto__']);
  expect(index.indexOf('constructor')).toBe(0);
  expect(index.indexOf('__proto__')).toBe(1);
});

test('finds each of many ids that were chosen to collide', () => {
  const [absent, late, ...ids] = collidingIds(302) as [string, string, ...string[]];
  const { index, store } = indexOf([...ids, ids[7] as string, late], 0);
  for (const position of ids.keys()) store(position);
  for (const [position, id] of ids.entries()) expect(index.indexOf(id)).toBe(position);
  expect(index.indexOf(absent)).toBeUndefined();
  store(300);
  store(301);
  expect(index.indexOf(ids[7] as string)).toBe(300);
  expect(index.indexOf(late)).toBe(301);
  expect(index.uniqueIds).toBe(301);
});

test('makes room for ids that were chosen to collide when the list grows', () => {
  const ids = collidingIds(100);
  const index = indexWith(ids, 8);
  for (const [position, id] of ids.entries()) expect(index.indexOf(id)).toBe(position);
  expect(index.uniqueIds).toBe(100);
});

test('does not find an absent id among 256 that collide with it', () => {
  const [absent, ...ids] = collidingIds(257) as [string, ...string[]];
  const index = indexWith(ids, 256);
  expect(index.indexOf(absent)).toBeUndefined();
  expect(index.indexOf(ids[255] as string)).toBe(255);
});
