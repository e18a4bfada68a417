import type { RunView, TaskType, TaskView } from '@stratagem/core';
import { describe, expect, test } from 'vitest';
import { Durations } from './durations.js';
import { PriorityOrder } from './priority.js';

describe('durations', () => {
  test('are those of the type, and of all for a type that has not been seen', () => {
    const durations = new Durations({ action: 100 });
    durations.learn('decision', 400);
    expect(durations.usualMs('action')).toBeCloseTo(100, 6);
    expect(durations.usualMs('decision')).toBeCloseTo(400, 6);
    expect(durations.usualMs('aggregate')).toBeCloseTo(200, 6);
    expect(new Durations().usualMs('action')).toBe(1);
  });

  test('are not moved far by one that takes a hundred times as long', () => {
    const durations = new Durations();
    for (let n = 0; n < 20; n++) durations.learn('action', 100);
    durations.learn('action', 10_000);
    expect(durations.usualMs('action')).toBeLessThan(200);
  });
});

function urgencyOf(durations: Durations) {
  const asked: number[] = [];
  const run = {
    totalTasks: 10,
    criticalPaths(usualMs: (type: TaskType) => number) {
      asked.push(run.totalTasks);
      return ({ type }: TaskView) => usualMs(type);
    },
  };
  return { run, asked, urgency: new PriorityOrder(run as unknown as RunView, durations) };
}

const task = (type: TaskType, index = 0) => ({ type, index, criticalPath: 1, priority: 0 });

describe('the urgency of tasks', () => {
  test('is computed anew after 4, 8, 16, … answers, and only if durations have changed', () => {
    const durations = new Durations();
    const { urgency, asked } = urgencyOf(durations);
    const answer = (type: TaskType, latencyMs: number) => {
      durations.learn(type, latencyMs);
      return urgency.answered();
    };
    expect([1, 2, 3, 4].map(() => answer('action', 1_000))).toEqual([false, false, false, false]);
    expect([5, 6, 7, 8].map(() => answer('decision', 10))).toEqual([false, false, false, true]);
    for (let n = 0; n < 100; n++) answer(n % 2 ? 'action' : 'decision', n % 2 ? 1_000 : 10);
    expect(asked).toHaveLength(1);
    const first = [task('decision', 0), task('action', 1)] as TaskView[];
    expect(first.toSorted(urgency.compare).map(({ type }) => type)).toEqual(['action', 'decision']);
  });

  test('is computed anew when the plan has grown by a quarter', () => {
    const { run, urgency, asked } = urgencyOf(new Durations({ action: 1_000, decision: 10 }));
    urgency.refresh();
    run.totalTasks = 12;
    urgency.refresh();
    run.totalTasks = 20;
    urgency.refresh();
    expect(asked).toEqual([10, 20]);
  });
});
