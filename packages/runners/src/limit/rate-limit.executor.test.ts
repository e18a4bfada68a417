import { createExecutor, type PlanResult, RunnerError, type TaskRunner } from '@stratagem/core';
import { runnerConformance } from '@stratagem/core/testing';
import { parallel } from '@stratagem/parallel';
import { simulated } from '@stratagem/simulated';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { rateLimit } from './rate-limit.js';

describe('a limited runner', () => {
  const limits = { requestsPerMinute: 100_000, tokensPerMinute: 1_000_000_000, maxConcurrent: 4 };
  const limited = (runner: TaskRunner) => rateLimit(runner, limits);
  const failing: TaskRunner = {
    name: 'failing',
    run: () => Promise.reject(new RunnerError('overloaded', 'no capacity', { retryAfterMs: 1 })),
  };
  const cases = runnerConformance(() => limited(simulated({ latencyMs: 1 })), {
    failing: () => limited(failing),
    hanging: () => limited(simulated({ latencyMs: 1e6 })),
  });
  for (const { name, run } of cases) test(name, run);
});

describe('in a run', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const plan = (count: number, settings: { timeoutMs?: number } = {}) => ({
    goal: 'Ask a lot',
    tasks: Array.from({ length: count }, (_, index) => ({
      ...{ id: `${index}`, description: `Why ${index}?` },
      ...settings,
    })),
  });
  const eventsOf = (result: PlanResult, type: string) =>
    result.timeline.filter((event) => event.type === type);

  test('waiting attempts count as running, and not as retries', async () => {
    const runner = rateLimit(simulated({ latencyMs: 200 }), { requestsPerMinute: 600 });
    const executor = createExecutor({ strategy: parallel({ maxParallel: 50 }), runner });
    const run = executor.execute(plan(100));
    await vi.advanceTimersByTimeAsync(60_000);
    const result = await run;
    expect(result.status).toBe('completed');
    expect(result.metrics).toMatchObject({ peakConcurrency: 50, completedTasks: 100 });
    // 97 of them wait for a tenth of a second each, and a little.
    expect(result.metrics.executionTimeMs).toBeGreaterThan(9_700);
    expect(result.metrics.executionTimeMs).toBeLessThan(10_300);
    expect(eventsOf(result, 'task_started')).toHaveLength(100);
    const notices = eventsOf(result, 'task_output').filter(
      (event) => 'kind' in event && event.kind === 'notice',
    );
    expect(notices.length).toBeGreaterThan(50);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a task that cannot start within its timeoutMs is retried when it can', async () => {
    const runner = rateLimit(simulated({ latencyMs: 100 }), { requestsPerMinute: 60 });
    const executor = createExecutor({ strategy: parallel({ maxParallel: 50 }), runner });
    const run = executor.execute(plan(10, { timeoutMs: 3_000 }));
    await vi.advanceTimersByTimeAsync(60_000);
    const result = await run;
    expect(result.status).toBe('completed');
    // At once: it had not begun to wait.
    const [retrying] = eventsOf(result, 'task_retrying');
    expect(retrying).toMatchObject({ error: { code: 'rate_limited', retryAfterMs: 3_832 } });
    expect(eventsOf(result, 'resource_paused').length).toBeGreaterThan(0);
    // Almost as fast as a plan whose tasks have all the time of the world: few start at first.
    expect(result.metrics.executionTimeMs).toBeLessThan(11_200);
  });

  test('the tasks that most of the plan waits for are sent first', async () => {
    const runner = rateLimit(simulated({ latencyMs: 300 }), { requestsPerMinute: 600 });
    const executor = createExecutor({ strategy: parallel({ maxParallel: 50 }), runner });
    const chain = Array.from({ length: 6 }, (_, n) => ({
      ...{ id: `step ${n}`, description: 'Next?' },
      dependencies: n === 0 ? [] : [`step ${n - 1}`],
    }));
    const leaves = plan(30).tasks;
    const run = executor.execute({ goal: 'A chain behind leaves', tasks: [...leaves, ...chain] });
    await vi.advanceTimersByTimeAsync(10_000);
    const { metrics } = await run;
    // 36 requests at ten per second; first come, first served took 4.8 s.
    expect(metrics.executionTimeMs).toBeGreaterThan(3_400);
    expect(metrics.executionTimeMs).toBeLessThan(3_800);
  });

  test('a small run does not wait behind a large one that came first', async () => {
    const runner = rateLimit(simulated({ latencyMs: 100 }), { requestsPerMinute: 600 });
    const executor = createExecutor({ strategy: parallel({ maxParallel: 100 }), runner });
    const large = executor.execute(plan(100));
    await vi.advanceTimersByTimeAsync(1_000);
    const small = executor.execute(plan(5));
    await vi.advanceTimersByTimeAsync(20_000);
    // Every second turn is its own: ten turns of a tenth of a second.
    expect((await small).metrics.executionTimeMs).toBeLessThan(1_250);
    expect((await large).metrics.executionTimeMs).toBeGreaterThan(10_000);
  });

  test('a canceled run leaves the queue, and the others advance', async () => {
    const runner = rateLimit(simulated({ latencyMs: 100 }), { requestsPerMinute: 60 });
    const executor = createExecutor({ strategy: parallel({ maxParallel: 50 }), runner });
    const canceled = executor.execute(plan(50));
    const other = executor.execute(plan(5));
    await vi.advanceTimersByTimeAsync(2_000);
    canceled.cancel();
    await vi.advanceTimersByTimeAsync(8_000);
    expect((await canceled).status).toBe('canceled');
    expect((await other).status).toBe('completed');
    expect(vi.getTimerCount()).toBe(0);
  });
});
