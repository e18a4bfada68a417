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
