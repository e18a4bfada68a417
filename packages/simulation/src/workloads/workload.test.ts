import { type Plan, validatePlan } from '@stratagem/core';
import { describe, expect, test } from 'vitest';
import {
  batch,
  chain,
  diamond,
  fixedLatency,
  mapReduce,
  mixed,
  randomLayers,
  researchPipeline,
  simulateOn,
  type Workload,
  wideThenChain,
} from '../index.js';

/** What a workload takes when nothing holds it back: size, critical path, work. */
function shapeOf({ plan, demandOf }: Workload) {
  const strategy = {
    name: 'eager',
    maxParallel: Number.POSITIVE_INFINITY,
    begin() {
      const ready: never[] = [];
      return { ready: (task: unknown) => void ready.push(task as never), next: () => ready.pop() };
    },
  };
  const { metrics } = simulateOn(plan, { server: fixedLatency(), strategy, demandOf });
  return [metrics.totalTasks, Math.round(metrics.executionTimeMs), Math.round(metrics.totalWorkMs)];
}

describe('workloads', () => {
  test.each([
    [batch(64), 64, 1_000, 64_000],
    [batch(200), 200, 1_000, 200_000],
    [chain(50), 50, 50_000, 50_000],
    [diamond(), 4, 4_000, 5_000],
    [wideThenChain(), 120, 21_000, 120_000],
    [mapReduce(500), 526, 6_000, 553_000],
    [researchPipeline(), 22, 1_200 + 3_000 + 2_750 + 1_500, 11_700 + 3_000 + 19_000 + 1_500],
  ])('$name', (workload, size, criticalPathMs, workMs) => {
    expect(shapeOf(workload)).toEqual([size, criticalPathMs, workMs]);
  });

  test.each([randomLayers, mixed])(
    '%o is the same for the same seed, and another for another',
    (make) => {
      expect(shapeOf(make(1))).toEqual(shapeOf(make(1)));
      expect(shapeOf(make(1))).not.toEqual(shapeOf(make(2)));
    },
  );

  test('mixed() has short and long tasks of every type', () => {
    const { plan, demandOf } = mixed();
    const longest = new Map<string, number>();
    for (const task of plan.tasks) {
      const { workMs } = demandOf(task);
      longest.set(task.type ?? '', Math.max(workMs, longest.get(task.type ?? '') ?? 0));
    }
    expect([...longest.keys()].sort()).toEqual(['action', 'aggregate', 'decision', 'observation']);
    expect(longest.get('aggregate')).toBeGreaterThan(10 * (longest.get('decision') as number));
  });

  test.each([batch(64), diamond(), randomLayers(3), mixed(3)])(
    '$name is a plan that can be run, and says nothing of what it takes',
    ({ plan }) => {
      expect(validatePlan(plan as Plan)).toEqual([]);
      expect(plan.tasks.filter(({ estimate }) => estimate !== undefined)).toEqual([]);
    },
  );

  test('a batch with a sigma has tasks of about a second, which depend on the seed', () => {
    const worksOf = (seed: number) => {
      const { plan, demandOf } = batch(500, { sigma: 0.5, seed });
      return plan.tasks.map((task) => demandOf(task).workMs).sort((a, b) => a - b);
    };
    expect(worksOf(1)[250]).toBeGreaterThan(900);
    expect(worksOf(1)[250]).toBeLessThan(1_100);
    expect(worksOf(1)[450]).toBeGreaterThan(1_600);
    expect(worksOf(1)).toEqual(worksOf(1));
    expect(worksOf(1)).not.toEqual(worksOf(2));
  });

  test('a batch rejects invalid and unknown options', () => {
    expect(() => batch(5, { sigma: -1 })).toThrow('sigma must be a number of at least 0');
    expect(() => batch(5, { seed: Number.NaN })).toThrow('seed must be a number; it is NaN');
    expect(() => batch(5, { spread: 1 } as never)).toThrow('has no option "spread"');
  });

  test.each([batch, chain, mapReduce])('%o rejects an invalid size', (make) => {
    expect(() => make(0)).toThrow('integer ≥ 1');
  });
});
