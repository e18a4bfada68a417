import { expect, test } from 'vitest';
import { serve, times, together } from '../../test/serve.js';
import { fixedLatency, lognormalLatency } from './latency.js';

test('a fixed latency does not depend on the number of requests', () => {
  expect(times(serve(fixedLatency(), [...together(100), { at: 50, workMs: 5 }]))).toEqual([
    ...Array(100).fill(1_000),
    55,
  ]);
});

test("lognormal latencies have the task's duration as median, and a heavy tail", () => {
  const latencies = times(serve(lognormalLatency(), together(2_001))) as number[];
  const sorted = latencies.toSorted((a, b) => a - b);
  expect(sorted[1_000]).toBeGreaterThan(900);
  expect(sorted[1_000]).toBeLessThan(1_100);
  // e to the power of 1.28 and of 2.33.
  expect(sorted[1_800]).toBeGreaterThan(3_000);
  expect(sorted[1_980]).toBeGreaterThan(8_000);
});

test('a sigma of 0 means no spread, and a smaller one less spread', () => {
  expect(times(serve(lognormalLatency({ sigma: 0 }), together(3)))).toEqual([1_000, 1_000, 1_000]);
  const longest = (sigma: number) =>
    Math.max(...(times(serve(lognormalLatency({ sigma }), together(200))) as number[]));
  expect(longest(0.2)).toBeLessThan(longest(1) / 3);
});

test('rejects invalid and unknown options', () => {
  expect(() => lognormalLatency({ sigma: -1 })).toThrow('sigma must be a number of at least 0');
  expect(() => lognormalLatency({ spread: 1 } as never)).toThrow('has no option "spread"');
});
