import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Heap } from './heap.js';

test('pops items in order, whatever the sequence of pushes and pops', () => {
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

test('breaks ties as its comparison says, whatever the order of the pushes', () => {
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

test('is empty after the last pop, and can be filled again', () => {
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
])('compares O(log n) times for each push and each pop (%s)', (_, nth) => {
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

/** The plain binary heap that `Heap` has to agree with. */
class BinaryHeap<T> {
  readonly #items: T[] = [];
  readonly #compare: (a: T, b: T) => number;

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  push(item: T): void {
    const items = this.#items;
    items.push(item);
    for (let at = items.length - 1; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (this.#compare(items[at] as T, items[parent] as T) >= 0) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  pop(): T | undefined {
    const items = this.#items;
    if (items.length > 0) this.#swap(0, items.length - 1);
    const top = items.pop();
    for (let at = 0; 2 * at + 1 < items.length; ) {
      let child = 2 * at + 1;
      const right = child + 1;
      if (right < items.length && this.#compare(items[right] as T, items[child] as T) < 0) child++;
      if (this.#compare(items[at] as T, items[child] as T) <= 0) break;
      this.#swap(at, child);
      at = child;
    }
    return top;
  }

  #swap(a: number, b: number): void {
    [this.#items[a], this.#items[b]] = [this.#items[b] as T, this.#items[a] as T];
  }
}

interface Item {
  readonly priority: number;
  readonly index: number;
}

test('pops what a binary heap pops when the comparison is a total order', () => {
  const compare = (a: Item, b: Item) => b.priority - a.priority || a.index - b.index;
  // Runs of pushes in order, as of a plan that starts, mixed with single pushes and with pops.
  const step = fc.oneof(
    fc.record({ kind: fc.constant('run' as const), count: fc.nat(3_000), priority: fc.nat(2) }),
    fc.record({ kind: fc.constant('push' as const), priority: fc.nat(5) }),
    fc.record({ kind: fc.constant('pop' as const), count: fc.nat(2_500) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), fc.boolean(), (steps, backwards) => {
      const heap = new Heap(compare);
      const reference = new BinaryHeap(compare);
      let size = 0;
      let next = 0;
      const push = (priority: number) => {
        const index = backwards ? -next : next;
        next++;
        const item = { priority, index };
        heap.push(item);
        reference.push(item);
        size++;
      };
      for (const action of steps) {
        if (action.kind === 'push') push(action.priority);
        else if (action.kind === 'run')
          for (let n = action.count; n > 0; n--) push(action.priority);
        else {
          for (let n = action.count; n > 0; n--) {
            const expected = reference.pop();
            if (heap.peek() !== expected || heap.pop() !== expected)
              throw new Error('another item');
            if (expected !== undefined) size--;
          }
        }
        expect(heap.size).toBe(size);
      }
      for (; size > 0; size--) expect(heap.pop()).toBe(reference.pop());
      expect(heap.pop()).toBeUndefined();
    }),
    { numRuns: 60 },
  );
});

test('compares once for each push in order, and never for its pop', () => {
  let comparisons = 0;
  const heap = new Heap<number>((a, b) => {
    comparisons++;
    return a - b;
  });
  for (let n = 0; n < 10_000; n++) heap.push(n);
  expect(comparisons).toBe(9_999);
  for (let n = 0; n < 10_000; n++) expect(heap.pop()).toBe(n);
  expect(comparisons).toBe(9_999);
});
