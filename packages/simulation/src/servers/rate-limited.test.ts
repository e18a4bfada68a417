import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Served, serve, together } from '../../test/serve.js';
import { rateLimited } from './rate-limited.js';

const refused = (served: readonly (Served | undefined)[]) =>
  served.filter((each) => each?.error !== undefined);

test("accepts a minute's requests at once, then as many as it refills", () => {
  const model = rateLimited({ requestsPerMinute: 60 });
  const served = serve(model, [...together(61), { at: 999 }, { at: 1_000 }, { at: 1_001 }]);
  expect(served.flatMap((each, index) => (each?.error ? [index] : []))).toEqual([60, 61, 63]);
});

test('responds with a 429 and the time until the request fits', () => {
  const served = serve(rateLimited({ requestsPerMinute: 60, initial: 0 }), together(1));
  expect(served[0]).toMatchObject({
    at: 50,
    error: { code: 'rate_limited', status: 429, retryAfterMs: 1_000 },
  });
});

test('counts tokens on arrival', () => {
  const model = rateLimited({ tokensPerMinute: 60_000, initial: 0.05 });
  const served = serve(model, [
    { at: 0, tokens: 2_500 },
    { at: 0, tokens: 1_500 },
  ]);
  expect(served[0]?.error).toBeUndefined();
  expect(served[1]?.error?.retryAfterMs).toBe(1_000);
});

test('accepts a request above the capacity when the bucket is full', () => {
  const model = rateLimited({ tokensPerMinute: 1_000, initial: 0.5 });
  const [early, late] = serve(model, [
    { at: 0, tokens: 5_000 },
    { at: 30_000, tokens: 5_000 },
  ]);
  expect(early?.error?.retryAfterMs).toBe(30_000);
  expect(late?.error).toBeUndefined();
});

test('enforces both limits, and waits for the later one', () => {
  const model = rateLimited({ requestsPerMinute: 60, tokensPerMinute: 6_000, initial: 0 });
  const [one] = serve(model, [{ at: 0, tokens: 500 }]);
  expect(one?.error?.retryAfterMs).toBe(5_000);
});

test('announces the remainder with each response, refusals included', () => {
  const model = rateLimited({ requestsPerMinute: 60, initial: 0.05 });
  const served = serve(model, together(4));
  expect(served[3]?.rateLimits).toEqual({
    requests: { limit: 60, remaining: 0, resetMs: 59_950 },
  });
  expect(served[3]?.error?.rateLimits).toEqual(served[3]?.rateLimits);
  expect(served[0]?.rateLimits).toEqual({
    requests: { limit: 60, remaining: 1, resetMs: 59_000 },
  });
});

test('announces nothing with announced: false', () => {
  const served = serve(rateLimited({ requestsPerMinute: 1, announced: false }), together(2));
  expect(served.map((each) => each?.rateLimits)).toEqual([undefined, undefined]);
  expect(served[1]?.error?.retryAfterMs).toBe(60_000);
});

test('never accepts more than the initial level and the refill, across changes', () => {
  const changes = [
    { atMs: 4_000, factor: 4 },
    { atMs: 9_000, factor: 0.25 },
  ];
  const model = rateLimited({ requestsPerMinute: 600, initial: 0.01, changes });
  const at = fc.array(fc.integer({ min: 0, max: 12_000 }), { minLength: 1, maxLength: 400 });
  fc.assert(
    fc.property(at, (moments) => {
      const arrivals = moments.toSorted((a, b) => a - b).map((time) => ({ at: time, workMs: 1 }));
      const served = serve(model, arrivals);
      let admitted = 0;
      for (const [index, each] of served.entries()) {
        if (each?.error !== undefined) continue;
        admitted++;
        const now = (arrivals[index] as { at: number }).at;
        const quick = Math.min(Math.max(0, now - 4_000), 5_000);
        expect(admitted).toBeLessThanOrEqual(6 + (now - quick) / 100 + quick / 25 + 1e-6);
      }
    }),
    { numRuns: 100, seed: 1 },
  );
});

test('serves at the rate of its limit, before and after a change', () => {
  const changes = [{ atMs: 10_000, factor: 0.25 }];
  const model = rateLimited({ requestsPerMinute: 600, initial: 0, changes });
  const arrivals = Array.from({ length: 2_000 }, (_, index) => ({ at: 10 * index, workMs: 1 }));
  const served = serve(model, arrivals);
  const ok = arrivals.filter((_, index) => served[index]?.error === undefined);
  expect(ok.filter(({ at }) => at <= 10_000).length).toBeCloseTo(100, -1);
  expect(ok.filter(({ at }) => at > 10_000).length).toBeCloseTo(25, -1);
  expect(refused(served)[0]?.at).toBe(50);
});

test.each([
  [{}, 'needs requestsPerMinute or tokensPerMinute'],
  [{ requestsPerMinute: 0 }, 'requestsPerMinute'],
  [{ tokensPerMinute: -5 }, 'tokensPerMinute'],
  [{ requestsPerMinute: 60, initial: 1.5 }, 'initial must be at most 1'],
  [{ requestsPerMinute: 60, initial: -1 }, 'initial'],
  [{ requestsPerMinute: 60, announced: 'yes' }, 'announced'],
  [{ requestsPerMinute: 60, refusalMs: -1 }, 'refusalMs'],
  [{ requestPerMinute: 60 }, 'Did you mean "requestsPerMinute"?'],
])('rejects %o', (options, message) => {
  expect(() => rateLimited(options as never)).toThrow(message);
});
