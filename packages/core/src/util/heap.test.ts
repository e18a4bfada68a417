import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Heap } from './heap.js';

test('gives what was pushed in order, whatever the pushes and pops between', () => {
  const steps = fc.array(fc.option(fc.integer({ min: 0, max: 50 })), { maxLength: 200 });
  fc.assert(
    fc.property(steps, (script) => {
      const heap = new Heap<number>((a, b) => a - b);
      let model: number[] = [];
      for (const step of script) {
        if (step === null) {
          expect(heap.peek()).toBe(model[0]);
          expect(heap.pop()).toBe(model.shift());
        } else {
          heap.push(step);
          model = [...model, step].sort((a, b) => a - b);
        }
        expect(heap.size).toBe(model.length);
      }
    }),
  );
});

test('breaks ties as its comparison says, so that the order does not hang on the pushes', () => {
  const tasks = fc
    .array(fc.nat(3))
    .map((priorities) => priorities.map((priority, index) => ({ priority, index })));
  const byPriority = (a: { priority: number; index: number }, b: typeof a) =>
    b.priority - a.priority || a.index - b.index;
  fc.assert(
    fc.property(
      tasks.chain((items) =>
        fc.tuple(fc.constant(items), fc.shuffledSubarray(items, { minLength: items.length })),
      ),
      ([items, shuffled]) => {
        const heap = new Heap(byPriority);
        for (const item of shuffled) heap.push(item);
        const popped = items.map(() => heap.pop());
        expect(popped).toEqual([...items].sort(byPriority));
      },
    ),
  );
});

test('is empty again when all is taken, and can be filled anew', () => {
  const heap = new Heap<string>((a, b) => a.localeCompare(b));
  expect([heap.pop(), heap.peek(), heap.size]).toEqual([undefined, undefined, 0]);
  heap.push('b');
  expect([heap.pop(), heap.pop(), heap.size]).toEqual(['b', undefined, 0]);
  heap.push('a');
  expect(heap.peek()).toBe('a');
});

test.each([
  ['ascending', (n: number) => n],
  ['descending', (n: number) => -n],
  ['mixed', (n: number) => (n * 7_919) % 65_536],
  ['equal', () => 0],
])('compares O(log n) times a push and a pop (%s)', (_, nth) => {
  const size = 65_536;
  let comparisons = 0;
  const heap = new Heap<number>((a, b) => {
    comparisons++;
    return a - b;
  });
  const most = (work: () => void) => {
    let worst = 0;
    for (let n = 0; n < size; n++) {
      const before = comparisons;
      work();
      worst = Math.max(worst, comparisons - before);
    }
    return worst;
  };
  let n = 0;
  expect(most(() => heap.push(nth(n++)))).toBeLessThanOrEqual(Math.log2(size) + 1);
  expect(most(() => heap.pop())).toBeLessThanOrEqual(2 * Math.log2(size) + 2);
});
