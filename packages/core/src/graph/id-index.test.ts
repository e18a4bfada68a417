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

test('finds the last position of each id, for any expected number of ids', () => {
  const lists = fc.array(fc.string({ maxLength: 3 }), { maxLength: 300 });
  fc.assert(
    fc.property(lists, fc.nat(300), fc.string({ maxLength: 3 }), (ids, expected, other) => {
      const index = new IdIndex(expected);
      for (const [position, id] of ids.entries()) {
        const known = ids.slice(0, position).lastIndexOf(id);
        expect(index.indexOf(id)).toBe(known < 0 ? undefined : known);
        index.push(id);
      }
      for (const id of [...ids, other]) {
        const last = ids.lastIndexOf(id);
        expect(index.indexOf(id)).toBe(last < 0 ? undefined : last);
      }
      expect([...index.ids()]).toEqual(ids);
      expect(index.uniqueIds).toBe(new Set(ids).size);
    }),
  );
});

test('treats "__proto__" and "constructor" like any other id', () => {
  const index = new IdIndex(0);
  expect(index.indexOf('constructor')).toBeUndefined();
  index.push('constructor');
  index.push('__proto__');
  expect(index.indexOf('constructor')).toBe(0);
  expect(index.indexOf('__proto__')).toBe(1);
});

test('finds each of many ids that were chosen to collide', () => {
  const [absent, late, ...ids] = collidingIds(302) as [string, string, ...string[]];
  const index = new IdIndex(0);
  for (const id of ids) index.push(id);
  for (const [position, id] of ids.entries()) expect(index.indexOf(id)).toBe(position);
  expect(index.indexOf(absent)).toBeUndefined();
  index.push(ids[7] as string);
  index.push(late);
  expect(index.indexOf(ids[7] as string)).toBe(300);
  expect(index.indexOf(late)).toBe(301);
  expect(index.uniqueIds).toBe(301);
});

test('does not find an absent id among 256 that collide with it', () => {
  const [absent, ...ids] = collidingIds(257) as [string, ...string[]];
  const index = new IdIndex(256);
  for (const id of ids) index.push(id);
  expect(index.indexOf(absent)).toBeUndefined();
  expect(index.indexOf(ids[255] as string)).toBe(255);
});
