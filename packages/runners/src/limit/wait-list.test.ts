import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Waiting, WaitList } from './wait-list.js';

test('behaves like a plain list for any sequence of additions and removals', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat({ max: 20 }))), (steps) => {
      const list = new WaitList<Waiting & { id: number }>();
      const plain: (Waiting & { id: number })[] = [];
      for (const [id, position] of steps.entries()) {
        const entry = position === null ? undefined : plain[position];
        if (entry === undefined) {
          const added = { id };
          list.push(added);
          plain.push(added);
        } else {
          list.remove(entry);
          plain.splice(plain.indexOf(entry), 1);
        }
        expect(list.size).toBe(plain.length);
        expect(list.first).toBe(plain[0]);
        expect([...list].map((each) => each.id)).toEqual(plain.map((each) => each.id));
      }
    }),
  );
});

test('removing the current entry does not end the iteration', () => {
  const list = new WaitList<Waiting & { id: number }>();
  for (const id of [1, 2, 3]) list.push({ id });
  for (const entry of list) list.remove(entry);
  expect(list.size).toBe(0);
  expect(list.first).toBeUndefined();
});
