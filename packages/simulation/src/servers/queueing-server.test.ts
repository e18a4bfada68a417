import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Arrival, serve } from '../../test/serve.js';
import { LimitChanges } from './limit-changes.js';
import { QueueingServer } from './queueing-server.js';
import type { ServerModel } from './server.js';

const changes = new LimitChanges('x', [
  { atMs: 300, factor: 4 },
  { atMs: 900, factor: 0.1 },
]);
const speed = (inFlight: number, now: number) =>
  Math.min(1, (3 * changes.factorAt(now)) / inFlight) ** 1.5;
const model: ServerModel = {
  name: 'station',
  begin: (seed) => new QueueingServer({ seed, sigma: 0, speed, changes }),
};

/** The same by small steps: what an attempt has done is the sum of its speed over time. */
function bySteps(arrivals: readonly Arrival[], stepMs: number): (number | undefined)[] {
  const left = arrivals.map(({ workMs = 1_000 }) => workMs);
  const ended: (number | undefined)[] = arrivals.map(() => undefined);
  for (let now = 0; now < 100_000; now += stepMs) {
    const here = arrivals.flatMap(({ at, abortAt = Infinity }, index) =>
      at <= now && now < abortAt && ended[index] === undefined ? [index] : [],
    );
    if (here.length === 0 && arrivals.every(({ at }) => at < now)) break;
    for (const index of here) {
      left[index] = (left[index] as number) - stepMs * speed(here.length, now);
    }
    for (const index of here) if ((left[index] as number) <= 1e-9) ended[index] = now + stepMs;
  }
  return ended;
}

const arrival = fc.record(
  {
    at: fc.integer({ min: 0, max: 500 }),
    workMs: fc.integer({ min: 20, max: 800 }),
    abortAt: fc.integer({ min: 501, max: 1_500 }),
  },
  { requiredKeys: ['at', 'workMs'] },
);

test('ends each request when its work is done, across changes of speed', () => {
  fc.assert(
    fc.property(fc.array(arrival, { minLength: 1, maxLength: 12 }), (arrivals) => {
      const exact = serve(model, arrivals).map((each) => each?.at);
      const rough = bySteps(arrivals, 0.25);
      for (const [index, at] of exact.entries()) {
        const { abortAt = Infinity } = arrivals[index] as Arrival;
        const near = rough[index];
        // Close to the moment at which it is given up, the steps cannot tell.
        if (Math.abs((at ?? near ?? abortAt) - abortAt) < 20) continue;
        expect(at === undefined).toBe(near === undefined);
        if (at !== undefined) expect(Math.abs(at - (near as number))).toBeLessThan(20);
      }
    }),
    { numRuns: 100, seed: 1 },
  );
});

test('derives latencies from the seed, the task and the attempt only', () => {
  const spread: ServerModel = {
    name: 'spread',
    begin: (seed) => new QueueingServer({ seed, sigma: 0.5 }),
  };
  const [a, b] = serve(spread, [{ at: 0 }, { at: 0 }], 1);
  const [, alone] = serve(spread, [{ at: 5_000 }, { at: 0 }], 1);
  expect(a?.at).not.toBe(b?.at);
  expect(alone?.at).toBe(b?.at);
  expect(serve(spread, [{ at: 0 }], 2)[0]?.at).not.toBe(a?.at);
});
