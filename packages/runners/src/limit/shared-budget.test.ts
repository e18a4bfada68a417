import { RunnerError, type TaskRunner } from '@stratagem/core';
import { memorySharedLimits, type SharedLimits } from '@stratagem/core/journal';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { attempt, request } from '../../test/attempt.js';
import { limitedServer } from '../../test/limited-server.js';
import { createLimiter } from './limiter.js';
import type { LimiterOptions } from './limiter-options.js';
import { rateLimit } from './rate-limit.js';

let isOver = false;

beforeEach(() => {
  isOver = false;
  vi.useFakeTimers();
});
afterEach(async () => {
  isOver = true;
  await vi.advanceTimersByTimeAsync(0);
  vi.useRealTimers();
});

/** Asks until the test is over, so many requests at a time; what is refused is asked again. */
function keepBusy(runner: TaskRunner, atOnce: number): void {
  const work = async () => {
    while (!isOver) await runner.run(request('Why?'), attempt()).catch(() => {});
  };
  for (let worker = 0; worker < atOnce; worker++) void work();
}

/** Limits behind a network: an answer takes so many milliseconds. */
function remote(
  limits: SharedLimits,
  latencyMs: number,
): SharedLimits & { readonly calls: number } {
  let calls = 0;
  return {
    ...limits,
    get calls() {
      return calls;
    },
    async reserve(resource, amounts) {
      calls++;
      await new Promise((resolve) => setTimeout(resolve, latencyMs / 2));
      const reservation = await limits.reserve(resource, amounts);
      await new Promise((resolve) => setTimeout(resolve, latencyMs / 2));
      return reservation;
    },
  };
}

/** A runner that notes when each request was sent, with what it uses. */
function counting(latencyMs = 400) {
  const sent: { readonly at: number; readonly by: string; readonly tokens: number }[] = [];
  const runnerOf = (by: string): TaskRunner => ({
    name: 'model',
    async run({ prompt }) {
      const usage = { inputTokens: prompt.length / 4, outputTokens: 100 + (sent.length % 7) * 50 };
      sent.push({ at: performance.now(), by, tokens: usage.inputTokens + usage.outputTokens });
      await new Promise((resolve) => setTimeout(resolve, latencyMs));
      return { output: 'done', usage };
    },
  });
  return { sent, runnerOf };
}

describe('three processes together use at least 95 % of the permitted rate, and less than 1 % is refused,', () => {
  test.each([
    ['sliding window', undefined, [200, 200, 200]],
    ['fixed windows', undefined, [100, 20, 5]],
    ['bucket', 5, [200, 200, 200]],
    ['bucket', 600, [1, 1, 300]],
  ] as const)(
    'by a server with a %s of %s, with %j requests at a time',
    async (kind, burst, busy) => {
      const server = limitedServer({ kind, burst, requestsPerMinute: 600, latencyMs: [100, 900] });
      const limits = memorySharedLimits();
      for (const atOnce of busy) {
        const shared = remote(limits, 8);
        keepBusy(rateLimit(server, { requestsPerMinute: 600, shared }), atOnce);
      }
      await vi.advanceTimersByTimeAsync(180_000);
      const { arrivals, refusals } = server;
      expect(arrivals.length / 1_800).toBeGreaterThanOrEqual(0.95);
      expect(arrivals.length / 1_800).toBeLessThanOrEqual(1);
      expect(refusals.length / arrivals.length).toBeLessThan(0.01);
    },
  );
});

test('all requests of all processes keep to the schedule and its burst, whatever they ask for', async () => {
  const demand = fc.record({
    atMs: fc.integer({ min: 0, max: 20_000 }),
    count: fc.integer({ min: 1, max: 40 }),
    process: fc.integer({ min: 0, max: 3 }),
    abortMs: fc.option(fc.integer({ min: 0, max: 3_000 }), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(demand, { minLength: 1, maxLength: 12 }),
      fc.constantFrom(60, 600, 6_000),
      fc.constantFrom(50, 250, 1_000),
      fc.constantFrom(0, 10, 100),
      async (demands, perMinute, burstMs, latencyMs) => {
        const limits = memorySharedLimits();
        const { sent, runnerOf } = counting(50);
        const shared = remote(limits, latencyMs);
        const options = { requestsPerMinute: perMinute, burstMs, shared };
        const processes = [0, 1, 2, 3].map((n) => rateLimit(runnerOf(`${n}`), options));
        let expected = 0;
        const ends: Promise<unknown>[] = [];
        for (const { atMs, count, process, abortMs } of demands) {
          setTimeout(() => {
            for (let n = 0; n < count; n++) {
              const abort = new AbortController();
              if (abortMs !== undefined) setTimeout(() => abort.abort(), abortMs);
              else expected++;
              const context = attempt({ signal: abort.signal });
              ends.push(
                (processes[process] as TaskRunner).run(request('Why?'), context).catch(() => {}),
              );
            }
          }, atMs);
        }
        const start = performance.now();
        await vi.advanceTimersByTimeAsync(20_001);
        // As long as the limit takes for all of them.
        await vi.advanceTimersByTimeAsync((480 / perMinute) * 60_000 + 5_000);
        await Promise.all(ends);
        expect(sent.length).toBeGreaterThanOrEqual(expected);
        const perMs = (perMinute / 60_000) * 0.98;
        const times = sent.map(({ at }) => at - start);
        for (let first = 0; first < times.length; first++) {
          for (let last = first; last < times.length; last++) {
            const spanMs = (times[last] as number) - (times[first] as number);
            // A ticket may be used up to half a second late.
            const permitted = 1 + perMs * (spanMs + burstMs + 500) + 1e-6;
            expect(last - first + 1).toBeLessThanOrEqual(permitted);
          }
        }
      },
    ),
    { numRuns: 25 },
  );
});

test('a block of requests takes one reservation', async () => {
  const shared = remote(memorySharedLimits(), 5);
  const { sent, runnerOf } = counting();
  keepBusy(rateLimit(runnerOf('one'), { requestsPerMinute: 6_000, shared }), 500);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(sent.length).toBeGreaterThan(950);
  expect(shared.calls).toBeLessThan(130);
});

test('tokens are shared as well, whatever was estimated', async () => {
  const limits = memorySharedLimits();
  const { sent, runnerOf } = counting();
  for (const name of ['one', 'two', 'three']) {
    const shared = remote(limits, 5);
    const runner = rateLimit(runnerOf(name), { tokensPerMinute: 100_000, shared });
    const work = async (prompt: string) => {
      while (!isOver) await runner.run(request(prompt), attempt());
    };
    for (let worker = 0; worker < 15; worker++) void work('x'.repeat(400 + worker * 200));
  }
  await vi.advanceTimersByTimeAsync(180_000);
  const total = sent.reduce((sum, { tokens }) => sum + tokens, 0);
  expect(total / 300_000).toBeGreaterThanOrEqual(0.95);
  for (const { at } of sent) {
    const minute = sent.filter((other) => other.at > at - 60_000 && other.at <= at);
    expect(minute.reduce((sum, { tokens }) => sum + tokens, 0)).toBeLessThanOrEqual(102_000);
  }
  // Each has about a third.
  for (const name of ['one', 'two', 'three']) {
    const part = sent.filter(({ by }) => by === name).length / sent.length;
    expect(part).toBeGreaterThan(0.25);
  }
});

test('what the server asks one process to wait for, all wait for', async () => {
  const limits = memorySharedLimits();
  let isRefused = true;
  const refusing: TaskRunner = {
    name: 'model',
    async run() {
      if (!isRefused) return { output: 'done' };
      isRefused = false;
      throw new RunnerError('rate_limited', 'too many', { retryAfterMs: 20_000 });
    },
  };
  const { sent, runnerOf } = counting();
  const options = { requestsPerMinute: 600, shared: limits };
  const [one, two] = [
    rateLimit(refusing, { ...options, resource: 'model' }),
    rateLimit(runnerOf('two'), options),
  ];
  const other = rateLimit(runnerOf('other'), { ...options, resource: 'another model' });
  await expect(one.run(request('Why?'), attempt())).rejects.toThrow('too many');
  void two.run(request('Why?'), attempt());
  void other.run(request('Why?'), attempt());
  await vi.advanceTimersByTimeAsync(19_000);
  expect(sent.map(({ by }) => by)).toEqual(['other']);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(sent.map(({ by }) => by)).toEqual(['other', 'two']);
});

test('a pause that nobody announces is noticed with the next reservation', async () => {
  const limits = memorySharedLimits();
  const silent: SharedLimits = { ...limits, onPause: () => () => {} };
  const { sent, runnerOf } = counting();
  const runner = rateLimit(runnerOf('one'), { requestsPerMinute: 600, shared: silent });
  await limits.pause('model', 10_000);
  void runner.run(request('Why?'), attempt());
  await vi.advanceTimersByTimeAsync(9_900);
  expect(sent).toEqual([]);
  await vi.advanceTimersByTimeAsync(200);
  expect(sent.length).toBe(1);
});

test('tokens that are reserved and not used are given back', async () => {
  const limits = memorySharedLimits();
  const { sent, runnerOf } = counting();
  const options = { tokensPerMinute: 60_000, shared: limits };
  const [one, two] = [rateLimit(runnerOf('one'), options), rateLimit(runnerOf('two'), options)];
  const abort = new AbortController();
  const large = request('x'.repeat(400_000));
  // The second one waits until the limit has worked off the first one, and the third for both.
  const given = Array.from({ length: 3 }, () =>
    one.run(large, attempt({ signal: abort.signal })).catch(() => {}),
  );
  await vi.advanceTimersByTimeAsync(2_500);
  expect(sent.length).toBe(1);
  abort.abort();
  await Promise.all(given);
  void two.run(request('Why?'), attempt());
  // The tokens of the first one take 100 s.
  await vi.advanceTimersByTimeAsync(101_000);
  expect(sent.map(({ by }) => by)).toEqual(['one', 'two']);
});

test('a ticket that an aborted request leaves behind is used by the next one', async () => {
  const limits = memorySharedLimits();
  const { sent, runnerOf } = counting();
  const runner = rateLimit(runnerOf('one'), { requestsPerMinute: 60, shared: limits });
  await limits.reserve('model', [{ quantity: 'requests', amount: 3, perMinute: 60 }]);
  const abort = new AbortController();
  const aborted = runner.run(request('Why?'), attempt({ signal: abort.signal }));
  await vi.advanceTimersByTimeAsync(1_000);
  abort.abort();
  await expect(aborted).rejects.toThrow('aborted');
  void runner.run(request('Why?'), attempt());
  await vi.advanceTimersByTimeAsync(2_000);
  expect(sent.length).toBe(1);
});

test('requests wait while the shared limits cannot be reached, and say so', async () => {
  const limits = memorySharedLimits();
  let isDown = true;
  const shared: SharedLimits = {
    ...limits,
    reserve: (...given) =>
      isDown ? Promise.reject(new Error('no connection')) : limits.reserve(...given),
  };
  const { sent, runnerOf } = counting();
  const runner = rateLimit(runnerOf('one'), { requestsPerMinute: 600, shared });
  const context = attempt();
  void runner.run(request('Why?'), context);
  await vi.advanceTimersByTimeAsync(5_500);
  expect(sent).toEqual([]);
  isDown = false;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(sent.length).toBe(1);
  expect(context.emitted).toEqual([
    {
      kind: 'notice',
      source: 'rateLimit',
      message: expect.stringContaining(
        'the shared limits, which cannot be reached (no connection)',
      ),
    },
  ]);
});

test('a request that cannot be sent before its deadline fails at once', async () => {
  const limits = memorySharedLimits();
  const { sent, runnerOf } = counting();
  const runner = rateLimit(runnerOf('one'), { requestsPerMinute: 60, shared: limits });
  await limits.reserve('model', [{ quantity: 'requests', amount: 30, perMinute: 60 }]);
  const run = runner.run(request('Why?'), attempt({ remainingMs: 10_000 }));
  await expect(run).rejects.toMatchObject({
    code: 'rate_limited',
    retryAfterMs: expect.any(Number),
  });
  expect(sent).toEqual([]);
});

test('options are checked', () => {
  const shared = memorySharedLimits();
  const create = (options: object) => () => createLimiter(options as LimiterOptions);
  expect(create({ shared })).toThrow(
    'createLimiter(): resource must be the name of what is limited',
  );
  expect(create({ shared, resource: '' })).toThrow('resource must be the name');
  expect(create({ resource: 'model' })).toThrow('resource needs shared');
  expect(create({ shared: {}, resource: 'model' })).toThrow('shared must be shared limits');
  expect(create({ shared, resource: 'model' })).not.toThrow();
});
