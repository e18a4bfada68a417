import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Arrival, serve } from '../../test/serve.js';
import { fixedWindows } from './fixed-windows.js';
import { fixedLatency } from './latency.js';
import { concurrencyKnee, cpuBound } from './load.js';
import { overload } from './overload.js';
import { providers } from './providers.js';
import { rateLimited } from './rate-limited.js';
import type { ServerModel } from './server.js';

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

/** In chunks, and at times at which nothing else happens: there a rounding error would decide. */
const inParts = fc
  .tuple(arrivals, fc.integer({ min: 1, max: 300 }), fc.integer({ min: 0, max: 100 }))
  .map(([given, tokensPerChunk, percent]) =>
    given.map(({ at, tokens = 0, abortAt, ...rest }, index): Arrival => {
      const shift = (index * Math.SQRT2) / 1_000;
      return {
        ...rest,
        ...{ at: at + shift, tokens, tokensPerChunk },
        written: Math.floor((tokens * percent) / 100),
        ...(abortAt !== undefined && { abortAt: abortAt + shift + 0.5 }),
      };
    }),
  );

describe.each(models)('$name', (model) => {
  test('ends each request once, in at least its work, and no aborted one', () => {
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

  test('responds to every request that is retried, except lost ones', () => {
    fc.assert(
      fc.property(arrivals, (given) => {
        const patient = given.map(({ abortAt: _, ...rest }): Arrival => rest);
        const lost = serve(model, patient).filter((answer) => answer === undefined);
        if (!model.name.endsWith('timeout')) expect(lost).toEqual([]);
      }),
      { numRuns: 60, seed: 2 },
    );
  });

  test('returns the chunks of a response in order, and all of them by its end', () => {
    fc.assert(
      fc.property(inParts, (given) => {
        for (const [index, answer] of serve(model, given).entries()) {
          if (answer === undefined) continue;
          const request = given[index] as Arrival;
          const { at: startedAt, workMs = 0, written = 0, tokensPerChunk = 0 } = request;
          const { at: endedAt, chunks, error } = answer;
          const isInParts = error === undefined && written > tokensPerChunk;
          expect(chunks).toHaveLength(isInParts ? Math.ceil(written / tokensPerChunk) : 0);
          if (!isInParts) continue;
          expect(chunks.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(written);
          expect(chunks.slice(0, -1).every(({ tokens }) => tokens === tokensPerChunk)).toBe(true);
          const times = [startedAt, ...chunks.map(({ at }) => at), endedAt];
          expect(times).toEqual(times.toSorted((a, b) => a - b));
          // Nothing is written before a tenth of the work is done.
          expect(times[1]).toBeGreaterThan(startedAt + workMs / 10);
        }
      }),
      { numRuns: 60, seed: 4 },
    );
  });

  test('takes as long for a streamed response as for one in one piece', () => {
    const timesOf = (given: readonly Arrival[]) => serve(model, given).map((each) => each?.at);
    fc.assert(
      fc.property(inParts, (given) => {
        const whole = timesOf(given.map(({ tokensPerChunk: _, ...rest }) => rest));
        for (const [index, at] of timesOf(given).entries()) {
          const expected = whole[index];
          if (at === undefined || expected === undefined) expect(at).toBe(expected);
          else expect(at).toBeCloseTo(expected, 6);
        }
      }),
      { numRuns: 60, seed: 5 },
    );
  });

  test('is deterministic', () => {
    fc.assert(
      fc.property(arrivals, (given) => {
        expect(serve(model, given)).toEqual(serve(model, given));
      }),
      { numRuns: 30, seed: 3 },
    );
  });
});
