import { expect, test } from 'vitest';
import { Slots } from './slots.js';

test('finds items by key, before and after others come and go', () => {
  const slots = new Slots((item: { readonly id: number }) => item.id);
  const one = { id: 1 };
  const first = slots.add(one);
  slots.add({ id: 2 });
  expect(slots.find(1)).toBe(one);
  slots.remove(first);
  expect(slots.find(1)).toBeUndefined();
  const three = { id: 3 };
  expect(slots.add(three)).toBe(first);
  expect(slots.find(3)).toBe(three);
  expect(slots.items()).toEqual([{ id: 3 }, { id: 2 }]);
});
