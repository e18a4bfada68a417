import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compare, type Latencies, merge, quartileOf, scale } from './latencies.js';

const over = (log: number) => ({ log, isOver: true });
const going = (log: number) => ({ log, isOver: false });
const of = (type: 'action' | 'decision', log: number, count: number): Latencies =>
  new Map([[type, { log, spread: 0.1, count }]]);

describe('the quartile of durations', () => {
  test('is what a quarter took no longer than, when all are over', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1 }), (logs) => {
        const sorted = logs.toSorted((a, b) => a - b);
        expect(quartileOf(logs.map(over)).log).toBe(sorted[Math.ceil(logs.length / 4) - 1]);
      }),
    );
  });

  test('is not moved by how long the others take', () => {
    const quick = [1, 2].map(over);
    const others = Array.from({ length: 6 }, () => going(5));
    expect(quartileOf([...quick, ...others])).toMatchObject({ log: 2, spread: undefined });
    expect(quartileOf([...quick, ...[50, 60, 70, 80, 90, 500].map(over)]).log).toBe(2);
  });

  test('takes no young request for a slow one', () => {
    // Six have only just begun: of the others, a quarter took 1.
    const begun = Array.from({ length: 6 }, () => going(0));
    expect(quartileOf([...begun, ...[1, 2, 3, 4].map(over)]).log).toBe(1);
  });

  test('is only known to be so long while fewer than a quarter are over', () => {
    const slow = [over(1), ...Array.from({ length: 7 }, () => going(3))];
    expect(quartileOf(slow)).toMatchObject({ log: 3, isLeast: true });
  });
});

describe('a comparison', () => {
  test('is of tasks of the same type alone', () => {
    const before = new Map([...of('action', 5, 10), ...of('decision', 1, 10)]);
    const after = of('action', 6, 30);
    expect(compare(before, after)).toEqual({ slower: 1, weight: 7.5 });
    expect(compare(before, new Map())).toEqual({ slower: 0, weight: 0 });
  });

  test('counts types by how much is known of them', () => {
    const before = new Map([...of('action', 0, 100), ...of('decision', 0, 1)]);
    const after = new Map([...of('action', 1, 100), ...of('decision', 9, 1)]);
    expect(compare(before, after).slower).toBeCloseTo(1.08, 2);
  });
});

test('two measurements are merged by their size, and none outweighs what comes for ever', () => {
  expect(merge(of('action', 0, 10), of('action', 3, 5)).get('action')).toMatchObject({
    log: 1,
    count: 15,
  });
  expect(merge(of('action', 0, 60), of('action', 0, 60)).get('action')?.count).toBe(64);
  expect([...merge(of('action', 0, 1), of('decision', 7, 2)).keys()]).toEqual([
    'action',
    'decision',
  ]);
});

test('a scaled latency is so much longer', () => {
  expect(scale(of('action', 2, 1), Math.log(3)).get('action')?.log).toBeCloseTo(2 + Math.log(3), 9);
});
