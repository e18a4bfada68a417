import { expect, test } from 'vitest';
import { serve, together } from '../../test/serve.js';
import { fixedWindows } from './fixed-windows.js';

const model = fixedWindows({ requests: 100, windowMs: 30_000 });

test("accepts a window's requests at once, and no more before the next window", () => {
  const served = serve(model, [...together(101), { at: 29_999 }, ...together(101, 30_000)]);
  const errors = served.flatMap((each, index) => (each?.error ? [index] : []));
  expect(errors).toEqual([100, 101, 202]);
});

test('responds with a 429 and the time until the next window', () => {
  const served = serve(model, [...together(100), { at: 12_000 }]);
  expect(served.at(-1)).toMatchObject({
    at: 12_050,
    error: { code: 'rate_limited', status: 429, retryAfterMs: 18_000 },
  });
});

test('announces the remainder of the window, unless announced is false', () => {
  expect(serve(model, together(3))[0]?.rateLimits).toEqual({
    requests: { limit: 100, remaining: 97, resetMs: 29_000 },
  });
  const silent = fixedWindows({ requests: 100, windowMs: 30_000, announced: false });
  expect(serve(silent, together(1))[0]?.rateLimits).toBeUndefined();
});

test.each([
  [{ requests: 0, windowMs: 1 }, 'requests'],
  [{ requests: 1, windowMs: 0 }, 'windowMs'],
  [{ requests: 1, windowMs: 1, announced: 1 }, 'announced'],
  [{ requests: 1, windowMs: 1, refusalMs: -1 }, 'refusalMs'],
  [{ requests: 1, window: 1 }, 'Did you mean "windowMs"?'],
])('rejects %o', (options, message) => {
  expect(() => fixedWindows(options as never)).toThrow(message);
});
