import { expect, test } from 'vitest';
import { serve, together } from '../../test/serve.js';
import { overload } from './overload.js';

test.each([
  ['server_error', 503],
  ['rate_limited', 429],
] as const)('answers %s at once to what it cannot hold', (kind, status) => {
  const served = serve(overload({ capacity: 4, kind }), together(10));
  const refused = served.filter((each) => each?.error !== undefined);
  expect(refused).toHaveLength(2);
  for (const each of refused) {
    expect(each).toMatchObject({ at: 50, error: { code: kind, status } });
    expect(each?.error?.retryAfterMs).toBeUndefined();
  }
});

test('never responds to requests above its maximum with kind timeout', () => {
  const served = serve(overload({ capacity: 4, kind: 'timeout' }), together(10));
  expect(served.map((each) => each === undefined)).toEqual([...Array(8).fill(false), true, true]);
});

test('has room again when a request ends or is aborted', () => {
  const model = overload({ capacity: 1, maxInFlight: 1, kind: 'timeout' });
  const served = serve(model, [
    { at: 0 },
    { at: 500 },
    { at: 1_001, abortAt: 1_500 },
    { at: 1_600 },
  ]);
  expect(served.map((each) => each?.at)).toEqual([1_000, undefined, undefined, 2_600]);
});

test('slows down past its capacity, before it refuses requests', () => {
  const model = overload({ capacity: 4, kind: 'server_error' });
  expect(serve(model, together(4)).at(-1)?.at).toBe(1_000);
  expect(serve(model, together(8)).at(-1)?.at).toBe(2_000);
});

test('applies refusalMs and maxInFlight', () => {
  const model = overload({ capacity: 4, maxInFlight: 5, refusalMs: 7, kind: 'server_error' });
  const served = serve(model, together(6));
  expect(served.filter((each) => each?.error).map((each) => each?.at)).toEqual([7]);
});

test.each([
  [{ capacity: 4, kind: 'panic' }, 'kind must be server_error, rate_limited or timeout'],
  [{ capacity: 0, kind: 'timeout' }, 'capacity'],
  [{ capacity: 4, maxInFlight: -1, kind: 'timeout' }, 'maxInFlight'],
  [{ capacity: 4, refusalMs: -1, kind: 'timeout' }, 'refusalMs'],
  [{ capacity: 4, kind: 'timeout', knee: 1 }, '"knee"'],
])('rejects %o', (options, message) => {
  expect(() => overload(options as never)).toThrow(message);
});
