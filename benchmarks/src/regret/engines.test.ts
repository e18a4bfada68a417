import { summarize } from '@stratagem/simulation';
import { expect, test } from 'vitest';
import { play } from './cell.js';
import { LLAMA_CPP, llamaCppSpeed } from './llama-cpp.js';
import { batchOf } from './matrix.js';
import { fixed } from './strategies.js';

test('the throughput of llama.cpp falls and then rises', () => {
  const throughput = (inFlight: number) => inFlight * llamaCppSpeed(inFlight);
  expect(throughput(1)).toBe(1);
  expect(throughput(8)).toBeCloseTo(37.5 / 55);
  expect(throughput(12)).toBeGreaterThan(throughput(8));
  expect(throughput(32)).toBeCloseTo(37.5 / 29.5);
  expect(throughput(64)).toBeCloseTo(throughput(32));
});

test('a batch takes longest with 8 in flight', () => {
  const secondsAt = (cap: number) => {
    const run = play(batchOf(200)(1), LLAMA_CPP.model([]), 1, fixed(cap).create());
    return summarize(run).makespanMs / 1_000;
  };
  const [one, eight, most] = [secondsAt(1), secondsAt(8), secondsAt(32)];
  expect(eight).toBeGreaterThan(1.3 * one);
  expect(eight).toBeGreaterThan(1.3 * most);
});
