import { expect, test } from 'vitest';
import { composePrompt } from './prompt.js';

/** How often a prompt with `size` references to as many inputs reads the list of names. */
function readsOfNames(size: number): number {
  let reads = 0;
  const ids = Array.from({ length: size }, (_, n) => `task ${n}`);
  const names = new Proxy(ids, {
    get(target, key, receiver) {
      reads++;
      return Reflect.get(target, key, receiver);
    },
  });
  const inputs = Object.fromEntries(ids.map((id) => [id, 'x']));
  composePrompt(ids.map((id) => `{{${id}}}`).join(' '), inputs, names);
  return reads;
}

test('twice as many references to twice as many inputs take about twice the work', () => {
  expect(readsOfNames(2_000) / readsOfNames(1_000)).toBeLessThan(3);
});
