import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Arrival, serve } from '../../test/serve.js';
import type { ServerModel } from '../server.js';
import { fixedWindows } from './fixed-windows.js';
import { fixedLatency } from './latency.js';
import { concurrencyKnee, cpuBound } from './load.js';
import { overload } from './overload.js';
import { providers } from './providers.js';
import { rateLimited } from './rate-limited.js';

const changes = [
  { atMs: 700, factor: 4 },
  { atMs: 1_900, factor: 0.1 },
];
/** None of them spreads latencies, so that what a request must take is known. */
const models: ServerModel[] = [
  fixedLatency(),
  concurrencyKnee({ knee: 3, changes }),
  cpuBound({ cores: 2 }),
  overload({ capacity: 2, kind: 'server_error' }),
  overload({ capacity: 2, kind: 'timeout' }),
  rateLimited({ requestsPerMinute: 240, tokensPerMinute: 90_000, initial: 0.01, changes }),
  fixedWindows({ requests: 4, windowMs: 800 }),
  providers({ a: cpuBound(), b: overload({ capacity: 1, kind: 'rate_limited' }) }),
];

const arrivals = fc.array(
  fc
    .record({
      at: fc.integer({ min: 0, max: 3_000 }),
      workMs: fc.integer({ min: 1, max: 900 }),
      tokens: fc.integer({ min: 1, max: 3_000 }),
      resource: fc.constantFrom('a', 'b'),
      patience: fc.option(fc.integer({ min: 1, max: 2_000 })),
    })
    .map(({ patience, ...rest }): Arrival => {
      return { ...rest, ...(patience !== null && { abortAt: rest.at + patience }) };
    }),
  { minLength: 1, maxLength: 40 },
);

describe.each(models)('$name', (model) => {
  test('does each request once, in no less than its work, and none that was given up', () => {
    fc.assert(
      fc.property(arrivals, (given) => {
        const served = serve(model, given);
        for (const [index, answer] of served.entries()) {
          const { at, workMs = 0, abortAt = Number.POSITIVE_INFINITY } = given[index] as Arrival;
          if (answer === undefined) continue;
          expect(answer.at).toBeLessThanOrEqual(abortAt);
          const least = answer.error === undefined ? workMs : 0;
          expect(answer.at - at).toBeGreaterThanOrEqual(least - 1e-6);
        }
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  test('answers all that have the patience, but for what it never answers', () => {
    fc.assert(
      fc.property(arrivals, (given) => {
        const patient = given.map(({ abortAt: _, ...rest }): Arrival => rest);
        const lost = serve(model, patient).filter((answer) => answer === undefined);
        if (!model.name.endsWith('timeout')) expect(lost).toEqual([]);
      }),
      { numRuns: 60, seed: 2 },
    );
  });

  test('does the same for the same requests', () => {
    fc.assert(
      fc.property(arrivals, (given) => {
        expect(serve(model, given)).toEqual(serve(model, given));
      }),
      { numRuns: 30, seed: 3 },
    );
  });
});
