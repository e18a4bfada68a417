import { RunnerError, type Task } from '@stratagem/core';
import { simulate, strategyConformance } from '@stratagem/core/testing';
import { describe, expect, test } from 'vitest';
import { aimd } from './aimd.js';
import { CONTENDERS, OURS } from './contenders.js';
import { original } from './original.js';

const adapting = CONTENDERS.filter(({ adapts }) => adapts);

const eachOnce = adapting.filter(
  (one, index) => adapting.findIndex(({ create }) => create === one.create) === index,
);

describe.each(eachOnce)('$name', ({ create }) => {
  for (const { name, run } of strategyConformance(create)) test(name, run);
});

test('each contender has a name of its own, and ours is among them', () => {
  const names = CONTENDERS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toContain(OURS);
});

const wide = (count: number): Task[] =>
  Array.from({ length: count }, (_, index) => ({ id: `${index}`, description: 'x' }));

/** A level of tasks on all tasks of the one before. */
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

  test('has one more in flight for every round of successes', () => {
    const starts = startsOf(() => false);
    expect(starts.slice(0, 2)).toEqual([1, 2]);
    for (const [round, count] of starts.slice(1, -1).entries()) {
      expect(count - (starts[round] as number)).toBeLessThanOrEqual(1);
    }
  });

  test('has half as many after a failure, once a round', () => {
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

  test('does the first level one by one, however many there are', () => {
    expect(spanOf(wide(20))).toMatchObject({ executionTimeMs: 20_000, peakConcurrency: 1 });
  });

  test('goes parallel for a level of several tasks, up to five at once', () => {
    expect(spanOf(levels(1, 5))).toMatchObject({ executionTimeMs: 2_000, peakConcurrency: 5 });
    expect(spanOf(levels(1, 10))).toMatchObject({ executionTimeMs: 3_000 });
  });

  test('goes back to one by one when the efficiency of a level was low', () => {
    // Work of 10 over a wall time of 2 and ten tasks is 0.5; of 11 over 3 and 11, a third.
    expect(spanOf(levels(1, 10, 3)).executionTimeMs).toBe(1_000 + 2_000 + 1_000);
    expect(spanOf(levels(1, 11, 3)).executionTimeMs).toBe(1_000 + 3_000 + 3_000);
    expect(spanOf(levels(1, 11, 3, 3)).executionTimeMs).toBe(1_000 + 3_000 + 3_000 + 1_000);
  });

  test('starts no task before the level above is done', () => {
    const tasks: Task[] = [
      ...levels(1, 2),
      { id: 'after', description: 'x', dependencies: ['1.0'] },
    ];
    const span = spanOf(tasks, ({ id }) => (id === '1.1' ? 5_000 : 1_000));
    expect(span.executionTimeMs).toBe(1_000 + 5_000 + 1_000);
  });
});
