import type { RunView, TaskType, TaskView } from '@stratagem/core';
import { describe, expect, test } from 'vitest';
import { Durations } from '../estimate/durations.js';
import { PriorityOrder } from './priority.js';

describe('durations', () => {
  test('are those of the type, or the mean of all types for an unknown type', () => {
    const durations = new Durations({ action: 100 });
    durations.record('decision', 400);
    expect(durations.typicalMs('action')).toBeCloseTo(100, 6);
    expect(durations.typicalMs('decision')).toBeCloseTo(400, 6);
    expect(durations.typicalMs('aggregate')).toBeCloseTo(200, 6);
    expect(new Durations().typicalMs('action')).toBe(1);
  });

  test('change little after one task that takes a hundred times as long', () => {
    const durations = new Durations();
    for (let n = 0; n < 20; n++) durations.record('action', 100);
    durations.record('action', 10_000);
    expect(durations.typicalMs('action')).toBeLessThan(200);
  });
});

function orderOf() {
  const counts = { computed: 0 };
  const run = {
    criticalPaths(durationOf: (type: TaskType) => number) {
      counts.computed++;
      return ({ type }: TaskView) => durationOf(type);
    },
  };
  return { counts, order: new PriorityOrder(run as unknown as RunView) };
}

const task = (type: TaskType, index = 0) => ({ type, index, criticalPath: 1, priority: 0 });

describe('the order of tasks', () => {
  test('is recomputed after 4, 8, 16, … answers, once there are two types', () => {
    const { order, counts } = orderOf();
    const answer = (type: TaskType, latencyMs: number) =>
      order.recordAnswer(task(type) as TaskView, latencyMs);
    expect([1, 2, 3, 4].map(() => answer('action', 1_000))).toEqual([false, false, false, false]);
    expect([5, 6, 7, 8].map(() => answer('decision', 10))).toEqual([false, false, false, true]);
    for (let n = 0; n < 100; n++) answer(n % 2 ? 'action' : 'decision', n % 2 ? 1_000 : 10);
    // After 8, 16, 32 and 64.
    expect(counts.computed).toBe(4);
    const first = [task('decision', 0), task('action', 1)] as TaskView[];
    expect(first.toSorted(order.compare).map(({ type }) => type)).toEqual(['action', 'decision']);
  });
});
