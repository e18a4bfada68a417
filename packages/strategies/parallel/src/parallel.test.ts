import { OptionError, type Plan, RunnerError } from '@stratagem/core';
import { simulate } from '@stratagem/core/simulate';
import { strategyConformance } from '@stratagem/core/testing';
import { describe, expect, test } from 'vitest';
import { type ParallelOptions, parallel } from './index.js';

/** Two levels of uneven tasks: `long` and `short`, and one dependent of each. */
const uneven: Plan = {
  goal: 'uneven',
  tasks: [
    { id: 'short', description: 'x', estimate: { durationMs: 10 } },
    { id: 'long', description: 'x', estimate: { durationMs: 100 } },
    { id: 'after short', description: 'x', dependencies: ['short'], estimate: { durationMs: 50 } },
    { id: 'after long', description: 'x', dependencies: ['long'], estimate: { durationMs: 10 } },
  ],
};

function starts(plan: Plan, options?: ParallelOptions): Record<string, number> {
  const { tasks } = simulate(plan, { strategy: parallel(options) });
  return Object.fromEntries(tasks.map(({ id, startedAt }) => [id, startedAt ?? -1]));
}

function order(plan: Plan, options?: ParallelOptions): string[] {
  const { timeline } = simulate(plan, { strategy: parallel(options) });
  return timeline.flatMap((event) => (event.type === 'task_started' ? event.taskId : []));
}

describe.each<[string, ParallelOptions]>([
  ['parallel()', {}],
  ['parallel({ maxParallel: 1 })', { maxParallel: 1 }],
  ['parallel({ maxParallel: Infinity })', { maxParallel: Number.POSITIVE_INFINITY }],
  ['parallel({ levelBarrier: true })', { levelBarrier: true, maxParallel: 3 }],
])('%s', (_, options) => {
  for (const { name, run } of strategyConformance(() => parallel(options))) test(name, run);
});

describe('parallel()', () => {
  test('starts a task as soon as its own dependencies have ended', () => {
    expect(starts(uneven)).toEqual({ short: 0, long: 0, 'after short': 10, 'after long': 100 });
  });

  test('starts the task with the longest path first, by estimates', () => {
    expect(order(uneven, { maxParallel: 1 })).toEqual([
      'long',
      'short',
      'after short',
      'after long',
    ]);
  });

  test('starts the task with the longest path first, by number of tasks without estimates', () => {
    const plan = {
      goal: 'x',
      tasks: [
        { id: 'leaf', description: 'x' },
        { id: 'root', description: 'x' },
        { id: 'middle', description: 'x', dependencies: ['root'] },
        { id: 'end', description: 'x', dependencies: ['middle'] },
      ],
    };
    expect(order(plan, { maxParallel: 1 })).toEqual(['root', 'middle', 'leaf', 'end']);
  });

  test('then uses the higher priority, then the order of the plan', () => {
    const plan = {
      goal: 'x',
      tasks: [
        { id: 'a', description: 'x' },
        { id: 'b', description: 'x' },
        { id: 'c', description: 'x', priority: 1 },
      ],
    };
    expect(order(plan, { maxParallel: 1 })).toEqual(['c', 'a', 'b']);
  });

  test('runs 5 tasks at once by default', () => {
    const tasks = Array.from({ length: 20 }, (_, n) => ({ id: `${n}`, description: 'x' }));
    const peak = (options?: ParallelOptions) =>
      simulate({ goal: 'x', tasks }, { strategy: parallel(options) }).metrics.peakConcurrency;
    expect(peak()).toBe(5);
    expect(peak({ maxParallel: 8 })).toBe(8);
    expect(peak({ maxParallel: Number.POSITIVE_INFINITY })).toBe(20);
  });

  test('with levelBarrier runs in strict waves', () => {
    expect(starts(uneven, { levelBarrier: true })).toEqual({
      short: 0,
      long: 0,
      'after short': 100,
      'after long': 100,
    });
  });

  test('with levelBarrier continues after a level in which every task failed', () => {
    const plan = {
      goal: 'x',
      tasks: [
        { id: 'a', description: 'x' },
        { id: 'b', description: 'x' },
        { id: 'c', description: 'x', dependencies: ['b'] },
      ],
    };
    const result = simulate(plan, {
      strategy: parallel({ levelBarrier: true }),
      attempt: ({ id }) => ({ durationMs: 1, ...(id === 'a' && { error: new Error('no') }) }),
    });
    expect(result.tasks.map(({ status }) => status)).toEqual(['failed', 'completed', 'completed']);
  });

  test('with levelBarrier waits for a task that is retried', () => {
    const plan = {
      goal: 'x',
      tasks: [
        { id: 'a', description: 'x' },
        { id: 'b', description: 'x' },
        { id: 'c', description: 'x', dependencies: ['b'] },
      ],
    };
    const error = new RunnerError('rate_limited', 'later', { retryAfterMs: 90_000 });
    const { timeline } = simulate(plan, {
      strategy: parallel({ levelBarrier: true }),
      attempt: ({ id }, attempt) => ({
        durationMs: 10,
        ...(id === 'a' && attempt === 1 && { error }),
      }),
    });
    const started = timeline.filter((event) => event.type === 'task_started');
    expect(started.map(({ taskId, timestamp }) => `${taskId} ${timestamp}`)).toEqual([
      'b 0',
      'a 0',
      'a 90010',
      'c 90020',
    ]);
  });

  test.each([
    [{ maxParallel: 0 }, 'maxParallel must be an integer ≥ 1'],
    [{ maxParallel: 2.5 }, 'maxParallel must be an integer ≥ 1'],
    [{ maxParallel: Number.NaN }, 'maxParallel must be an integer ≥ 1'],
    [{ maxParallel: '4' }, 'maxParallel must be an integer ≥ 1'],
    [{ levelBarrier: 1 }, 'levelBarrier must be true or false'],
    [{ maxparallel: 4 }, 'parallel() has no option "maxparallel". Did you mean "maxParallel"?'],
    [
      { concurrency: 4 },
      'parallel() has no option "concurrency". It takes maxParallel, levelBarrier.',
    ],
    [4, 'parallel() takes an object of options'],
  ])('refuses %j', (options, message) => {
    const create = () => parallel(options as ParallelOptions);
    expect(create).toThrow(OptionError);
    expect(create).toThrow(message);
  });
});
