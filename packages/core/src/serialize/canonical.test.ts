import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonical, canonicalText } from './canonical.js';
import { toData } from './value.js';

/** What a function returns, or that it threw. */
function outcomeOf(make: () => string): string {
  try {
    return make();
  } catch {
    return 'an error';
  }
}

test('the canonical text of a value is that of its data', () => {
  const values = fc.anything({ withDate: true, withMap: true, withSet: true, withBigInt: true });
  fc.assert(
    fc.property(values, (value) => {
      const expected = outcomeOf(() => canonical(toData(value)));
      expect(outcomeOf(() => canonicalText(value))).toBe(expected);
    }),
    { numRuns: 2_000, seed: 1 },
  );
});

const inItself: unknown[] = [];
inItself.push({ inItself });

test.each<[string, unknown]>([
  ['the tag of data', { a: { $: 'date', value: 0 } }],
  ['an odd number', { a: [Number.NaN, -0, Number.POSITIVE_INFINITY] }],
  ['nothing', { a: undefined, b: [undefined, null] }],
  ['a list with gaps', { a: new Array(3) }],
  ['a list with properties', { a: 'ab'.match(/(?<first>a)/) }],
  ['a symbol', { [Symbol('a')]: 1 }],
  ['an instance', { a: new Date(0), b: new Error('no') }],
  ['a field __proto__', JSON.parse('{ "b": 1, "__proto__": { "a": 1 } }')],
  ['itself', inItself],
  ['names in another order', { b: 1, a: { d: 1, c: 2 }, 10: 1, 9: 1 }],
])('also of one with %s', (_, value) => {
  const expected = outcomeOf(() => canonical(toData(value)));
  expect(outcomeOf(() => canonicalText(value))).toBe(expected);
});
