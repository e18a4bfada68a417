import { createExecutor, type TaskRunner } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { attempt, request } from '../../test/attempt.js';
import type { Kind } from '../../test/counts.js';
import { limitedServer } from '../../test/limited-server.js';
import { createLimiter } from './limiter.js';
import { rateLimit } from './rate-limit.js';

const MINUTES = 3;

let isOver = false;

beforeEach(() => {
  isOver = false;
  vi.useFakeTimers();
});
afterEach(async () => {
  isOver = true;
  // What was about to go on sees that it is over, before time is real again.
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

/** What reaches a server in three minutes, as shares of what it permits and of what it got. */
async function measure(server: ReturnType<typeof limitedServer>, perMinute: number) {
  await vi.advanceTimersByTimeAsync(MINUTES * 60_000);
  const { arrivals, refusals } = server;
  return {
    used: arrivals.length / (MINUTES * perMinute),
    refused: refusals.length / arrivals.length,
  };
}

const servers: [Kind, number | undefined][] = [
  ['sliding window', undefined],
  ['fixed windows', undefined],
  ['bucket', 5],
  ['bucket', 600],
];
const latencies: Record<string, readonly [number, number]> = {
  quick: [20, 200],
  uneven: [300, 6_000],
};

describe('at least 95 % of the permitted rate is used, and less than 1 % is refused,', () => {
  for (const [kind, burst] of servers) {
    const counting = `by a server with a ${kind}${burst === undefined ? '' : ` of ${burst}`}`;
    for (const [name, latencyMs] of Object.entries(latencies)) {
      test.each([
        ['that announces nothing', false, 600],
        ['that announces its limit', true, 600],
        ['whose limit is lower than ours, and announced', true, 300],
      ])(`${counting} and ${name} answers, %s`, async (_, announces, perMinute) => {
        const server = limitedServer({
          ...{ kind, burst, requestsPerMinute: perMinute },
          ...{ announces, latencyMs },
        });
        keepBusy(rateLimit(server, { requestsPerMinute: 600 }), 200);
        const { used, refused } = await measure(server, perMinute);
        expect(used).toBeGreaterThanOrEqual(0.95);
        expect(used).toBeLessThanOrEqual(1);
        expect(refused).toBeLessThan(0.01);
      });
    }
  }

  test('by a server whose limit is only known from its announcements', async () => {
    const server = limitedServer({
      ...{ kind: 'sliding window', requestsPerMinute: 600, announces: true },
    });
    keepBusy(rateLimit(server, { maxConcurrent: 50 }), 200);
    const { used, refused } = await measure(server, 600);
    expect(used).toBeGreaterThanOrEqual(0.95);
    expect(refused).toBeLessThan(0.01);
  });

  test('by a plan of which a fifth of all requests fail', async () => {
    const perMinute = 6_000;
    const server = limitedServer({
      ...{ kind: 'bucket', burst: 100, requestsPerMinute: perMinute },
      ...{ latencyMs: [20, 40], onTheWayMs: 5, faults: 0.2 },
    });
    const tasks = Array.from({ length: 2_000 }, (_, index) => ({
      ...{ id: `${index}`, description: 'Why?' },
      retry: { maxAttempts: 20, initialDelayMs: 50, maxDelayMs: 200 },
    }));
    const run = createExecutor({
      strategy: parallel({ maxParallel: 64 }),
      runner: rateLimit(server, { requestsPerMinute: perMinute }),
    }).execute({ goal: 'Answer', tasks });
    await vi.advanceTimersByTimeAsync(20_000);
    expect(server.arrivals.length / ((20 / 60) * perMinute)).toBeGreaterThanOrEqual(0.95);
    expect(server.refusals).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(15_000);
    expect((await run).metrics).toMatchObject({ completedTasks: 2_000 });
  });

  test('by two concurrent plans, each with its own runner', async () => {
    const server = limitedServer({ kind: 'sliding window', requestsPerMinute: 600 });
    const limiter = createLimiter({ requestsPerMinute: 600 });
    const tasks = Array.from({ length: 1_000 }, (_, index) => ({
      id: `${index}`,
      description: 'Why?',
    }));
    const runs = ['one', 'another'].map((goal) =>
      createExecutor({
        strategy: parallel({ maxParallel: 50 }),
        runner: rateLimit(server, limiter),
      }).execute({ goal, tasks }),
    );
    const { used, refused } = await measure(server, 600);
    expect(used).toBeGreaterThanOrEqual(0.95);
    expect(refused).toBeLessThan(0.01);
    await vi.advanceTimersByTimeAsync(60_000);
    for (const run of runs) expect((await run).metrics).toMatchObject({ completedTasks: 1_000 });
  });
});

test('tokens stay within their limit, for any sizes of requests', async () => {
  const spent: { at: number; tokens: number }[] = [];
  let count = 0;
  const runner: TaskRunner = {
    name: 'tokens',
    async run({ prompt }) {
      const usage = { inputTokens: prompt.length / 4, outputTokens: 100 + (count++ % 7) * 50 };
      spent.push({ at: performance.now(), tokens: usage.inputTokens + usage.outputTokens });
      await new Promise((resolve) => setTimeout(resolve, 500));
      return { output: 'done', usage };
    },
  };
  const limited = rateLimit(runner, { tokensPerMinute: 100_000 });
  const work = async (prompt: string) => {
    while (!isOver) await limited.run(request(prompt), attempt());
  };
  for (let worker = 0; worker < 40; worker++) void work('x'.repeat(400 + worker * 100));
  await vi.advanceTimersByTimeAsync(MINUTES * 60_000);
  const total = spent.reduce((sum, { tokens }) => sum + tokens, 0);
  expect(total / (MINUTES * 100_000)).toBeGreaterThanOrEqual(0.95);
  for (const { at } of spent) {
    const minute = spent.filter((other) => other.at > at - 60_000 && other.at <= at);
    expect(minute.reduce((sum, { tokens }) => sum + tokens, 0)).toBeLessThanOrEqual(100_500);
  }
});
