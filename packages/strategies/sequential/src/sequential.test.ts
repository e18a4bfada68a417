import { simulate } from '@stratagem/core/simulate';
import { strategyConformance } from '@stratagem/core/testing';
import { describe, expect, test } from 'vitest';
import { sequential } from './index.js';

describe('sequential()', () => {
  for (const { name, run } of strategyConformance(sequential)) test(name, run);

  test('runs dependencies first, then the higher priority, then the order of the plan', () => {
    const plan = {
      goal: 'order',
      tasks: [
        { id: 'last', description: 'x', dependencies: ['first'], priority: 9 },
        { id: 'second', description: 'x' },
        { id: 'third', description: 'x' },
        { id: 'first', description: 'x', priority: 1 },
        { id: 'never', description: 'x', priority: -1 },
      ],
    };
    const { timeline, metrics } = simulate(plan, { strategy: sequential() });
    const order = timeline.flatMap((event) => (event.type === 'task_started' ? event.taskId : []));
    expect(order).toEqual(['first', 'last', 'second', 'third', 'never']);
    expect(metrics.peakConcurrency).toBe(1);
  });

  test('runs one task at a time even if the run allows more', () => {
    const tasks = Array.from({ length: 5 }, (_, n) => ({ id: `${n}`, description: 'x' }));
    const { metrics } = simulate({ goal: 'x', tasks }, { strategy: sequential(), maxParallel: 8 });
    expect(metrics).toMatchObject({ peakConcurrency: 1, executionTimeMs: 5_000, speedup: 1 });
  });

  test('runs one task at a time after the cap of the run is raised', () => {
    const tasks = Array.from({ length: 5 }, (_, n) => ({ id: `${n}`, description: 'x' }));
    const { metrics } = simulate(
      { goal: 'x', tasks },
      { strategy: sequential(), actions: [{ atMs: 500, act: (run) => run.setMaxParallel(8) }] },
    );
    expect(metrics).toMatchObject({ peakConcurrency: 1, executionTimeMs: 5_000 });
  });
});
