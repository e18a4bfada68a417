import { OptionError, type Plan, type PlanResult, type Task } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { describe, expect, test } from 'vitest';
import {
  concurrencyKnee,
  type Demand,
  type Gate,
  lognormalLatency,
  overload,
  providers,
  QueueingServer,
  recordedRun,
  type ServerModel,
  simulateOn,
  summarize,
  whatIf,
} from '../index.js';
import { randomFrom } from '../util/random.js';

/** Layers of six tasks of two types; an aggregate takes five times as long and costs as much more. */
const plan: Plan = {
  goal: 'layers',
  tasks: Array.from({ length: 48 }, (_, n) => ({
    id: `${n}`,
    description: 'x',
    type: n % 4 === 0 ? ('aggregate' as const) : ('action' as const),
    dependencies: n < 6 ? [] : [`${n - 6}`, `${n - 6 + (n % 2 === 0 ? 1 : -1)}`],
  })),
};
const demandOf = ({ type }: Task, random = () => 0.5): Demand => {
  const factor = type === 'aggregate' ? 5 : 1;
  const demand = { workMs: 1_000 * factor, inputTokens: 500, outputTokens: 200 * factor };
  return { ...demand, costUsd: 0.001 * factor * (0.5 + random()) };
};
const retry = { maxAttempts: 1_000, initialDelayMs: 100 };

function record(server: ServerModel, seed: number, maxParallel = 6): PlanResult {
  const random = randomFrom(seed, 'cost');
  const strategy = parallel({ maxParallel: Number.POSITIVE_INFINITY });
  return simulateOn(plan, {
    ...{ server, seed, maxParallel, strategy, retry, timeoutMs: 20_000 },
    demandOf: (task) => demandOf(task, random),
  });
}

function alike(count: number, name: string, more: Partial<Task> = {}): Task[] {
  return Array.from({ length: count }, (_, n) => ({
    ...{ id: `${name}-${n}`, description: 'x' },
    ...more,
  }));
}

function forecast(recorded: PlanResult, runs: number, maxParallel = 6) {
  const strategy = parallel({ maxParallel: Number.POSITIVE_INFINITY });
  const server = recordedRun(recorded.timeline);
  const [row] = whatIf(plan, { server, runs, maxParallel: [maxParallel], strategy, retry });
  if (row === undefined) throw new Error('no row');
  return row;
}

describe('a recorded run as the server', () => {
  test('takes as long as it did when nothing is random', () => {
    const recorded = record(concurrencyKnee({ knee: 3 }), 1);
    const { makespanMs, costUsd } = forecast(recorded, 1);
    expect(makespanMs / recorded.metrics.executionTimeMs).toBeCloseTo(1, 1);
    expect((costUsd as number) / (recorded.metrics.costUsd as number)).toBeCloseTo(1, 0);
  });

  test('slows down under load as it did', () => {
    const server = concurrencyKnee({ knee: 2, exponent: 1, sigma: 0.1 });
    const recorded = record(server, 1);
    for (const maxParallel of [1, 2, 6]) {
      const actual = record(server, 2, maxParallel).metrics.executionTimeMs;
      expect(forecast(recorded, 20, maxParallel).makespanRangeMs?.median).toBeGreaterThan(
        0.8 * actual,
      );
      expect(forecast(recorded, 20, maxParallel).makespanRangeMs?.median).toBeLessThan(
        1.2 * actual,
      );
    }
  });

  test('fails as often as it did', () => {
    const server = overload({ capacity: 2, kind: 'server_error', sigma: 0.2 });
    const recorded = record(server, 1);
    const failures = summarize(recorded).overloaded;
    expect(failures).toBeGreaterThan(10);
    const { overloaded } = forecast(recorded, 30);
    expect(overloaded).toBeGreaterThan(0.4 * failures);
    expect(overloaded).toBeLessThan(2.5 * failures);
  });

  test('has the resources of the run', () => {
    const server = providers({ a: lognormalLatency(), b: lognormalLatency() });
    const { resourceOf } = recordedRun(record(server, 1).timeline);
    expect(plan.tasks.map((task) => resourceOf?.(task))).toEqual(
      plan.tasks.map((task) => server.resourceOf?.(task)),
    );
  });

  test('costs what failed attempts cost, too, and counts the runs that fail', () => {
    const usage = { inputTokens: 100, outputTokens: 50 };
    const costUsd = 0.01;
    const refusal = { code: 'server_error', message: 'late', afterMs: 50, usage, costUsd } as const;
    const gate: Gate = { refuse: ({ attempt }) => (attempt === 1 ? refusal : undefined) };
    const server: ServerModel = {
      name: 'fails once',
      begin: (seed) => new QueueingServer({ seed, sigma: 0, gate }),
    };
    const options = { strategy: parallel({ maxParallel: Number.POSITIVE_INFINITY }), retry };
    const few = { goal: 'x', tasks: alike(20, 'a') };
    const demand = { workMs: 1_000, ...usage, costUsd };
    const recorded = simulateOn(few, { ...options, server, demandOf: () => demand });
    expect(recorded.metrics.costUsd).toBeCloseTo(0.4);

    const from = { ...options, server: recordedRun(recorded.timeline), maxParallel: [4] };
    const [once] = whatIf(few, from);
    expect(once?.requests).toBeGreaterThan(20);
    expect(once?.costUsd).toBeCloseTo(costUsd * (once?.requests ?? 0));
    const [often] = whatIf(few, { ...from, runs: 20, retry: { maxAttempts: 6 } });
    expect(often?.status).toBe('completed');
    expect(often?.failedRuns).toBeGreaterThan(0);
    expect(often?.failedRuns).toBeLessThan(20);
  });

  test('tells models apart, also for other tasks', () => {
    const models = providers({
      'x/small': lognormalLatency({ sigma: 0 }),
      'x/big': lognormalLatency({ sigma: 0 }),
    });
    const tasks = ['small', 'big'].flatMap((model) => alike(4, model, { model }));
    const { timeline } = simulateOn(
      { goal: 'x', tasks },
      {
        server: { ...models, resourceOf: ({ model }) => `x/${model}` },
        strategy: parallel(),
      },
    );
    const { resourceOf } = recordedRun(timeline);
    const resources = ['small', 'big'].flatMap((model) => [
      resourceOf?.({ id: 'new', description: 'x', model }),
      // The id is one of the run, but the task now asks for another model.
      resourceOf?.({ id: 'small-1', description: 'x', model }),
    ]);
    expect(resources).toEqual(['x/small', 'x/small', 'x/big', 'x/big']);
  });

  test('says how many attempts failed for good', () => {
    const server = overload({ capacity: 1, kind: 'server_error' });
    const { timeline } = simulateOn(plan, {
      ...{ server, strategy: parallel(), failFast: false, retry: { maxAttempts: 1 } },
    });
    const failed = timeline.filter(({ type }) => type === 'task_failed').length;
    expect(failed).toBeGreaterThan(0);
    expect(recordedRun(timeline).name).toContain(`without ${failed} that failed for good`);
  });

  test('is the same run for the same seed', () => {
    const recorded = record(lognormalLatency({ sigma: 0.5 }), 1);
    expect(forecast(recorded, 1)).toEqual(forecast(recorded, 1));
    const { low, median, high } = forecast(recorded, 20).makespanRangeMs ?? {};
    expect(low).toBeLessThan(median as number);
    expect(median).toBeLessThan(high as number);
  });

  test('is refused without an attempt that ended', () => {
    expect(() => recordedRun([])).toThrow(OptionError);
    expect(() => recordedRun(5 as never)).toThrow('takes the events of a run');
  });
});

test.each([
  ['heavy tails', lognormalLatency({ sigma: 0.6 })],
  ['a knee', concurrencyKnee({ knee: 3, exponent: 1, sigma: 0.3 })],
])('70 to 90 %% of later runs are within the range, with %s', (_, server) => {
  let within = 0;
  let cheap = 0;
  const runs = 50;
  for (let run = 0; run < runs; run++) {
    const { makespanRangeMs, costRangeUsd } = forecast(record(server, run), 25);
    const later = record(server, 1_000 + run).metrics;
    if (makespanRangeMs === undefined || costRangeUsd === undefined) throw new Error('no range');
    const isIn = ({ low, high }: typeof makespanRangeMs, value: number) =>
      low <= value && value <= high;
    if (isIn(makespanRangeMs, later.executionTimeMs)) within++;
    if (isIn(costRangeUsd, later.costUsd as number)) cheap++;
  }
  expect(within / runs).toBeGreaterThanOrEqual(0.7);
  expect(within / runs).toBeLessThanOrEqual(0.9);
  expect(cheap / runs).toBeGreaterThanOrEqual(0.7);
  expect(cheap / runs).toBeLessThanOrEqual(0.9);
});
