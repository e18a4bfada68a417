import type { Plan, TaskView } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { sequential } from '@stratagem/sequential';
import { describe, expect, test } from 'vitest';
import {
  batch,
  concurrencyKnee,
  fixedLatency,
  lognormalLatency,
  mapReduce,
  overload,
  providers,
  rateLimited,
  type ServerModel,
  simulateOn,
  summarize,
  whatIf,
} from '../index.js';

const strategy = (maxParallel: number) => parallel({ maxParallel });
const retry = { maxAttempts: 1_000 };
const plan: Plan = {
  goal: 'x',
  tasks: [
    { id: 'a', description: 'x', estimate: { durationMs: 300, tokens: 400 } },
    { id: 'b', description: 'x', dependencies: ['a'] },
  ],
};

describe('whatIf', () => {
  const { plan: tasks, demandOf } = batch(120);

  test('has a row for each maxParallel', () => {
    const rows = whatIf(tasks, {
      ...{ strategy, demandOf },
      maxParallel: [4, 8, 16],
      server: fixedLatency(),
    });
    expect(rows.map(({ maxParallel, makespanMs }) => [maxParallel, makespanMs])).toEqual([
      [4, 30_000],
      [8, 15_000],
      [16, 8_000],
    ]);
    expect(rows[0]).toMatchObject({
      status: 'completed',
      completedTasks: 120,
      requests: 120,
      wastedShare: 0,
      peakConcurrency: 4,
      averageLatencyMs: 1_000,
      throughputPerSecond: 4,
    });
  });

  test('shows that more parallelism past a rate limit only adds waste', () => {
    const server = rateLimited({ requestsPerMinute: 60 });
    const [four, sixteen] = whatIf(tasks, {
      ...{ strategy, demandOf, server, retry },
      maxParallel: [4, 16],
    });
    expect(four?.makespanMs).toBeGreaterThan(60_000);
    expect(sixteen?.makespanMs).toBeGreaterThan(60_000);
    expect(sixteen?.rateLimited).toBeGreaterThan(four?.rateLimited as number);
    expect(sixteen?.wastedShare).toBe((sixteen?.rateLimited as number) / 120);
  });

  test('accepts one strategy for all rows, unless its own maxParallel is lower', () => {
    const free = { maxParallel: [2, 8], server: fixedLatency() };
    const unbounded = parallel({ maxParallel: Number.POSITIVE_INFINITY });
    expect(whatIf(tasks, { ...free, demandOf, strategy: unbounded })[1]?.makespanMs).toBe(15_000);
    expect(() => whatIf(tasks, { ...free, strategy: parallel() })).toThrow(
      'the strategy "parallel" has a maxParallel of 5 itself, so 8 would have no effect',
    );
  });

  test.each([
    [{ maxParallel: [] }, 'at least one'],
    [{ maxParallel: [0] }, 'maxParallel'],
    [{ maxParallel: [1], tasks: 5 }, '"tasks"'],
    [{ maxParallel: [1], server: undefined }, 'needs a server'],
  ])('rejects %o', (options, message) => {
    const given = { server: fixedLatency(), strategy, ...options } as never;
    expect(() => whatIf(tasks, given)).toThrow(message);
  });
});

describe('simulateOn', () => {
  test('uses the estimates of a plan, or a second per task without one', () => {
    const { tasks, metrics } = simulateOn(plan, { server: fixedLatency(), strategy: sequential() });
    expect(tasks.map(({ durationMs }) => durationMs)).toEqual([300, 1_000]);
    expect(metrics.usage).toMatchObject({ inputTokens: 300 + 750, outputTokens: 100 + 250 });
  });

  test.each([
    [undefined, 'workMs'],
    [{ workMs: -1, inputTokens: 1, outputTokens: 1 }, 'workMs'],
    [{ workMs: 1, inputTokens: Number.NaN, outputTokens: 1 }, 'inputTokens'],
    [{ workMs: 1, inputTokens: 1 }, 'outputTokens'],
  ])('rejects a demand of %o', (demand, figure) => {
    const demandOf = () => demand as never;
    expect(() =>
      simulateOn(plan, { server: fixedLatency(), strategy: sequential(), demandOf }),
    ).toThrow(`demandOf must return a ${figure} of at least 0 for task "a"`);
  });

  test('uses the outputs of outputOf', () => {
    const fanOut: Plan = {
      goal: 'x',
      tasks: [
        { id: 'list', description: 'x' },
        { id: 'each', description: '{{item}}', dependencies: ['list'], forEach: 'list' },
      ],
    };
    const { status, metrics } = simulateOn(fanOut, {
      ...{ server: fixedLatency(), strategy: sequential() },
      outputOf: ({ id }) => (id === 'list' ? [1, 2, 3] : undefined),
    });
    expect(status).toBe('completed');
    expect(metrics.attempts).toBe(4);
  });

  test('has the same log for the same seed, and another for another seed', () => {
    const servers: ServerModel[] = [
      lognormalLatency(),
      concurrencyKnee({ knee: 4, sigma: 0.3 }),
      rateLimited({ requestsPerMinute: 300, initial: 0.05, sigma: 0.3 }),
      overload({ capacity: 4, kind: 'timeout', sigma: 0.3 }),
      providers({ a: lognormalLatency(), b: overload({ capacity: 2, kind: 'server_error' }) }),
    ];
    const { plan: tasks, demandOf } = mapReduce(60);
    for (const server of servers) {
      const logOf = (seed: number) =>
        JSON.stringify(
          simulateOn(tasks, {
            ...{ server, seed, demandOf, retry },
            strategy: strategy(16),
            timeoutMs: 30_000,
          }).timeline,
        );
      expect(logOf(1)).toBe(logOf(1));
      expect(logOf(1)).not.toBe(logOf(2));
    }
  });

  test('pauses when the server asks to wait, then continues', () => {
    const server = rateLimited({ requestsPerMinute: 60, initial: 0 });
    const result = simulateOn(plan, { server, strategy: sequential(), retry });
    expect(result.timeline.filter(({ type }) => type === 'resource_paused')).toHaveLength(2);
    expect(result.metrics.executionTimeMs).toBeGreaterThanOrEqual(2_000);
    expect(summarize(result)).toMatchObject({ status: 'completed', rateLimited: 2, requests: 4 });
  });

  test('passes announced limits and resources to strategies', () => {
    const seen: unknown[] = [];
    const watching = {
      name: 'watching',
      begin() {
        const ready: TaskView[] = [];
        return {
          ready: (task: TaskView) => void ready.push(task),
          next: () => ready.shift(),
          settled: (task: TaskView, { rateLimits }: { rateLimits: unknown }) =>
            void seen.push([task.resource, rateLimits]),
        };
      },
    };
    const server = providers({ only: rateLimited({ requestsPerMinute: 60 }) });
    simulateOn({ goal: 'x', tasks: [plan.tasks[0] as never] }, { server, strategy: watching });
    expect(seen).toEqual([['only', { requests: { limit: 60, remaining: 59, resetMs: 700 } }]]);
  });

  test('loses requests to a silent server until their timeout', () => {
    const server = overload({ capacity: 2, kind: 'timeout' });
    const { plan: tasks, demandOf } = batch(8);
    const result = simulateOn(tasks, {
      ...{ server, demandOf, retry },
      strategy: strategy(8),
      timeoutMs: 5_000,
    });
    expect(summarize(result)).toMatchObject({
      status: 'completed',
      overloaded: 4,
      wastedShare: 0.5,
    });
  });
});
