import type { TaskType, TaskView } from '@stratagem/core';
import { describe, expect, test } from 'vitest';
import { Trial } from './trial.js';

const request = (order: number, startedAt: number, type: TaskType = 'action') => ({
  task: { type } as TaskView,
  order,
  startedAt,
  beside: 0,
});

describe('a trial', () => {
  test('knows more about its level as more of its requests end', () => {
    const trial = new Trial(10, 0);
    const all = Array.from({ length: 10 }, (_, order) => request(order, 0));
    for (const one of all) trial.started(one);
    trial.passed(10, 100);
    for (const one of all.slice(0, 4)) trial.ended(one, 100, true);
    const finding = trial.finding(10);
    expect(finding?.latencies.get('action')?.spread).toBeUndefined();
    for (const one of all.slice(4)) trial.ended(one, 900, true);
    expect(trial.isOver).toBe(true);
    expect(finding?.latencies.get('action')?.spread).toBeGreaterThan(0.5);
    expect(finding?.level).toBe(10);
  });

  test('says before its end how long they take at least', () => {
    const trial = new Trial(10, 0);
    const all = Array.from({ length: 10 }, (_, order) => request(order, 0));
    for (const one of all) trial.started(one);
    trial.passed(10, 700);
    expect(trial.finding(10)).toBeUndefined();
    const { log, isLeast } = trial.glimpse()?.latencies.get('action') ?? {};
    expect([Math.round(Math.exp(log ?? 0)), isLeast]).toEqual([700, true]);
  });

  test('is of the level until the last start, when no more follow', () => {
    const trial = new Trial(10, 0);
    const all = Array.from({ length: 8 }, (_, order) => request(order, 100 * order));
    for (const [held, one] of all.entries()) {
      trial.passed(held, one.startedAt);
      trial.started(one);
    }
    for (const [position, one] of all.entries()) {
      trial.passed(8 - position, 10_000);
      trial.ended(one, 5_000, true);
    }
    expect(trial.finding(8)).toBeUndefined();
    expect(trial.last()).toMatchObject({ level: 4, limit: 10 });
  });

  test('says how many were in flight and how long they took, once enough are answered', () => {
    const trial = new Trial(10, 0);
    const all = Array.from({ length: 10 }, (_, order) => request(order, 0));
    for (const one of all) trial.started(one);
    for (const [position, one] of all.entries()) {
      expect(trial.finding(10) === undefined, `${position}`).toBe(position < 4);
      trial.passed(10 - position, 100 * (position + 1));
      trial.ended(one, 100 * (position + 1), true);
    }
    const { latencies, limit } = trial.finding(10) ?? {};
    expect(Math.exp(latencies?.get('action')?.log ?? 0)).toBeCloseTo(300, 6);
    expect(limit).toBe(10);
  });

  test('begins when the first of its own requests starts', () => {
    const trial = new Trial(2, 5);
    trial.passed(40, 1_000);
    const all = Array.from({ length: 10 }, (_, n) => request(5 + n, 1_000));
    for (const one of all) trial.started(one);
    trial.passed(2, 2_000);
    for (const one of all) trial.ended(one, 1_000, true);
    expect(trial.finding(15)?.level).toBe(2);
  });

  test('leaves out what failed, and takes what timed out for longer than that', () => {
    const trial = new Trial(2, 0);
    const all = Array.from({ length: 10 }, (_, n) => request(n, 0));
    for (const one of all) trial.started(one);
    trial.passed(6, 500);
    const [failed, late, later, ...answered] = all;
    if (failed) trial.dropped(failed);
    for (const one of [late, later]) if (one) trial.ended(one, 100, false);
    for (const one of answered) trial.ended(one, 500, true);
    const { log, count } = trial.finding(10)?.latencies.get('action') ?? {};
    expect([Math.round(Math.exp(log ?? 0)), count]).toEqual([500, 9]);
  });

  test('keeps types apart', () => {
    const trial = new Trial(2, 0);
    const typeOf = (n: number) => (n < 5 ? 'action' : 'decision');
    const all = Array.from({ length: 10 }, (_, n) => request(n, 0, typeOf(n)));
    for (const one of all) trial.started(one);
    trial.passed(6, 900);
    for (const one of all) trial.ended(one, one.task.type === 'action' ? 900 : 100, true);
    const { latencies } = trial.finding(10) ?? {};
    expect(Math.exp(latencies?.get('decision')?.log ?? 0)).toBeCloseTo(100, 6);
    expect(Math.exp(latencies?.get('action')?.log ?? 0)).toBeCloseTo(900, 6);
  });
});
