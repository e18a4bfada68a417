import { createExecutor, type TaskRunner } from '@stratagem/core';
import { withTimeLimit } from '@stratagem/core/runner';
import { parallel } from '@stratagem/parallel';
import { simulated } from '@stratagem/simulated';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { attempt, request } from '../test/attempt.js';
import { failure, pause, scripted } from '../test/scripted.js';
import {
  balance,
  cache,
  createLimiter,
  fallback,
  hedge,
  memoryStore,
  rateLimit,
  route,
  warmPrefix,
} from './index.js';

const HOUR_MS = 3_600_000;
const STEPS = [
  ['forward', HOUR_MS],
  ['backward', -HOUR_MS],
] as const;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Sets the time of day; timers and `performance.now()` run on as if nothing had happened. */
function step(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}

/** Answers after 50 ms, within the time limit of a provider. */
const limited: TaskRunner = {
  name: 'limited',
  run: (_, context) =>
    withTimeLimit(context, 60_000, async (signal) => {
      await pause(50, signal);
      return { output: 'answer' };
    }),
};
const broken = () => scripted('broken', failure('connection'));

const WRAPPERS: Record<string, () => TaskRunner> = {
  none: () => limited,
  simulated: () => simulated({ latencyMs: 50 }),
  rateLimit: () => rateLimit(limited, { requestsPerMinute: 600 }),
  'rateLimit in rateLimit': () =>
    rateLimit(rateLimit(limited, { requestsPerMinute: 600 }), { requestsPerMinute: 600 }),
  fallback: () => fallback(broken(), limited),
  balance: () => balance([limited, limited]),
  hedge: () => hedge(limited, { afterMs: 10 }),
  route: () => route({ by: () => 'a', routes: { a: limited }, default: broken() }),
  cache: () => cache(limited, memoryStore(), { ttlMs: 1_000 }),
  warmPrefix: () => warmPrefix(limited, { prefix: () => 'same' }),
  all: () =>
    cache(
      fallback(broken(), rateLimit(warmPrefix(hedge(limited, { afterMs: 10 })), {})),
      memoryStore(),
    ),
};

describe.each(STEPS)('with the time of day set %s by an hour', (_, ms) => {
  const plan = {
    goal: 'x',
    tasks: ['a', 'b', 'c'].map((id) => ({ id, description: `Answer ${id}`, timeoutMs: 5_000 })),
  };

  test.each(Object.keys(WRAPPERS))('attempts keep their time limit: %s', async (name) => {
    const runner = (WRAPPERS[name] as () => TaskRunner)();
    const executor = createExecutor({ strategy: parallel(), runner });
    step(ms);
    const before = Date.now();
    const run = executor.execute(plan, { deadlineMs: 20_000 });
    await vi.advanceTimersByTimeAsync(20);
    step(ms);
    await vi.advanceTimersByTimeAsync(5_000);
    const result = await run;
    expect(result.status).toBe('completed');
    expect(result.tasks.map(({ attempts }) => attempts)).toEqual([1, 1, 1]);
    const times = result.timeline.map(({ timestamp }) => timestamp);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    // The run began by the time of day as it was then, and lasts as long as it lasts.
    expect(times[0]).toBeCloseTo(before, 0);
    expect(times.at(-1)).toBeLessThan(before + 1_000);
  });

  test('a request that never ends is stopped when its time is over', async () => {
    const never: TaskRunner = {
      name: 'never',
      run: (_, context) => withTimeLimit(context, 60_000, (signal) => pause(1e9, signal) as never),
    };
    const runner = fallback(rateLimit(never, { requestsPerMinute: 600 }), never);
    const run = createExecutor({ strategy: parallel(), runner, retry: { maxAttempts: 1 } }).execute(
      plan,
    );
    await vi.advanceTimersByTimeAsync(20);
    step(ms);
    await vi.advanceTimersByTimeAsync(5_000);
    const result = await run;
    expect(result.tasks.map(({ error }) => error?.code)).toEqual(['timeout', 'timeout', 'timeout']);
    expect(result.metrics.executionTimeMs).toBeCloseTo(5_000, -1);
  });

  test('a limiter waits for as long as its limit and a refusal ask for', async () => {
    const limiter = createLimiter({ requestsPerMinute: 60, burstMs: 1 });
    const sent: number[] = [];
    const server = scripted('server', () => {
      sent.push(Math.round(performance.now() - began));
      if (sent.length === 2) throw failure('rate_limited', { retryAfterMs: 10_000 });
      return { output: '' };
    });
    const began = performance.now();
    const runner = rateLimit(server, limiter);
    for (const _ of [1, 2, 3]) runner.run(request('x'), attempt()).catch(() => {});
    await vi.advanceTimersByTimeAsync(500);
    step(ms);
    await vi.advanceTimersByTimeAsync(1_000);
    step(ms);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(sent).toEqual([0, 1_020, 11_020]);
  });

  test('a runner that failed is skipped for as long as its circuit breaker is open', async () => {
    const first = scripted('first', failure('connection'));
    const runner = fallback([first, scripted('second')], {
      failureThreshold: 1,
      resetTimeoutMs: 10_000,
    });
    const ask = () => runner.run(request('x'), attempt());
    await ask();
    step(ms);
    await ask();
    await vi.advanceTimersByTimeAsync(9_999);
    await ask();
    expect(first.contexts).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2);
    await ask();
    expect(first.contexts).toHaveLength(2);
  });
});

describe('a cached response', () => {
  const store = memoryStore();
  const ask = (runner: TaskRunner) => runner.run(request('x'), attempt());

  test('lives no longer when the time of day is set back, and is found meanwhile', async () => {
    const server = scripted('server');
    const runner = cache(server, memoryStore(), { ttlMs: 60_000 });
    await ask(runner);
    step(-HOUR_MS);
    await vi.advanceTimersByTimeAsync(59_000);
    await ask(runner);
    expect(server.requests).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1_000);
    await ask(runner);
    expect(server.requests).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(59_000);
    await ask(runner);
    expect(server.requests).toHaveLength(2);
  });

  test('that was stored in the future by another process is not used', async () => {
    const server = scripted('server');
    step(HOUR_MS);
    await ask(cache(server, store, { ttlMs: 60_000 }));
    step(-HOUR_MS);
    await ask(cache(server, store, { ttlMs: 60_000 }));
    expect(server.requests).toHaveLength(2);
    await ask(cache(server, store, { ttlMs: 60_000 }));
    expect(server.requests).toHaveLength(2);
  });

  test('is too old after the machine has slept', async () => {
    const server = scripted('server');
    const runner = cache(server, memoryStore(), { ttlMs: 60_000 });
    await ask(runner);
    step(HOUR_MS);
    await ask(runner);
    expect(server.requests).toHaveLength(2);
  });
});
