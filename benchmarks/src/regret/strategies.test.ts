import { RunnerError, type Task } from '@stratagem/core';
import { simulate } from '@stratagem/core/simulate';
import { strategyConformance } from '@stratagem/core/testing';
import { describe, expect, test } from 'vitest';
import { aimd } from './aimd.js';
import { original } from './original.js';
import { OURS, STRATEGIES } from './strategies.js';

const adapting = STRATEGIES.filter(({ adapts }) => adapts);

const eachOnce = adapting.filter(
  (one, index) => adapting.findIndex(({ create }) => create === one.create) === index,
);

describe.each(eachOnce)('$name', ({ create }) => {
  for (const { name, run } of strategyConformance(create)) test(name, run);
});

test('names are unique, and ours is among them', () => {
  const names = STRATEGIES.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toContain(OURS);
});

const wide = (count: number): Task[] =>
  Array.from({ length: count }, (_, index) => ({ id: `${index}`, description: 'x' }));

/** Levels in which each task depends on all tasks of the previous level. */
function levels(...widths: number[]): Task[] {
  let above: string[] = [];
  return widths.flatMap((width, level) => {
    const tasks = Array.from({ length: width }, (_, index) => ({
      id: `${level}.${index}`,
      description: 'x',
      dependencies: above,
    }));
    above = tasks.map(({ id }) => id);
    return tasks;
  });
}

describe('AIMD', () => {
  const startsOf = (fails: (started: number) => boolean) => {
    let started = 0;
    const { timeline } = simulate(
      { goal: 'x', tasks: wide(60) },
      {
        strategy: aimd(),
        attempt: () => ({
          durationMs: 1_000,
          ...(fails(started++) && { error: new RunnerError('overloaded', 'no capacity') }),
        }),
      },
    );
    const counts = new Map<number, number>();
    for (const { type, timestamp } of timeline) {
      if (type !== 'task_started') continue;
      counts.set(timestamp, (counts.get(timestamp) ?? 0) + 1);
    }
    return [...counts.values()];
  };

  test('adds one request in flight per round of successes', () => {
    const starts = startsOf(() => false);
    expect(starts.slice(0, 2)).toEqual([1, 2]);
    for (const [round, count] of starts.slice(1, -1).entries()) {
      expect(count - (starts[round] as number)).toBeLessThanOrEqual(1);
    }
  });

  test('halves the number in flight after a failure, at most once per round', () => {
    // The whole fifth round fails.
    const failed = startsOf((started) => started >= 9 && started < 13);
    expect(failed.slice(0, 6)).toEqual(
      startsOf(() => false)
        .slice(0, 4)
        .concat([4, 2])
        .slice(0, 6),
    );
  });
});

describe('original', () => {
  const spanOf = (tasks: Task[], durationMs: (task: Task) => number = () => 1_000) =>
    simulate(
      { goal: 'x', tasks },
      { strategy: original(), attempt: (task) => ({ durationMs: durationMs(task) }) },
    ).metrics;

  test('runs the first level sequentially, whatever its size', () => {
    expect(spanOf(wide(20))).toMatchObject({ executionTimeMs: 20_000, peakConcurrency: 1 });
  });

  test('switches to parallel for a level of several tasks, up to five at once', () => {
    expect(spanOf(levels(1, 5))).toMatchObject({ executionTimeMs: 2_000, peakConcurrency: 5 });
    expect(spanOf(levels(1, 10))).toMatchObject({ executionTimeMs: 3_000 });
  });

  test('switches back to sequential after a level with low efficiency', () => {
    // 10 / (2 × 10) is 0.5; 11 / (3 × 11) is a third.
    expect(spanOf(levels(1, 10, 3)).executionTimeMs).toBe(1_000 + 2_000 + 1_000);
    expect(spanOf(levels(1, 11, 3)).executionTimeMs).toBe(1_000 + 3_000 + 3_000);
    expect(spanOf(levels(1, 11, 3, 3)).executionTimeMs).toBe(1_000 + 3_000 + 3_000 + 1_000);
  });

  test('starts no task before the previous level has ended', () => {
    const tasks: Task[] = [
      ...levels(1, 2),
      { id: 'after', description: 'x', dependencies: ['1.0'] },
    ];
    const span = spanOf(tasks, ({ id }) => (id === '1.1' ? 5_000 : 1_000));
    expect(span.executionTimeMs).toBe(1_000 + 5_000 + 1_000);
  });
});
