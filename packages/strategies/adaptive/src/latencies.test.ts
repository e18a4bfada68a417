import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compare, type Latencies, merge, middleOf, scale } from './latencies.js';

const over = (log: number) => ({ log, isOver: true });
const going = (log: number) => ({ log, isOver: false });
const of = (type: 'action' | 'decision', log: number, count: number): Latencies =>
  new Map([[type, { log, spread: 0.1, count }]]);

describe('the middle of durations', () => {
  test('is the median when all are over', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1 }), (logs) => {
        const sorted = logs.toSorted((a, b) => a - b);
        expect(middleOf(logs.map(over))?.log).toBe(sorted[Math.ceil(logs.length / 2) - 1]);
      }),
    );
  });

  test('is not moved by how long the slow half takes', () => {
    const quick = [1, 2, 3, 4].map(over);
    const slow = middleOf([...quick, going(5), going(5), going(5)]);
    expect(slow?.log).toBe(4);
    expect(middleOf([...quick, over(50), over(500), going(5_000)])?.log).toBe(4);
  });

  test('takes no young request for a slow one', () => {
    // Three have only just begun: of the others, the middle is 2.
    expect(middleOf([over(1), over(2), over(3), going(0), going(0), going(0)])?.log).toBe(2);
  });

  test('is unknown while fewer than half are over', () => {
    expect(middleOf([over(1), going(2), going(2)])).toBeUndefined();
    expect(middleOf([])).toBeUndefined();
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
