import type { RunEvent, Task } from '@stratagem/core';
import { simulate } from '@stratagem/core/simulate';
import { parallel } from '@stratagem/parallel';
import { expect, test } from 'vitest';
import { leftText, RunEstimate } from './run-estimate.js';

/** What the estimate says when a share of the run is over, and how long it then takes. */
function estimateAt(share: number, tasks: readonly Task[], durationMs: (task: Task) => number) {
  const { timeline } = simulate(
    { goal: 'x', tasks },
    {
      strategy: parallel({ maxParallel: 10 }),
      attempt: (task) => ({ durationMs: durationMs(task) }),
    },
  );
  const end = (timeline.at(-1) as RunEvent).timestamp;
  const estimate = new RunEstimate();
  for (const event of timeline) if (event.timestamp <= end * share) estimate.apply(event);
  return { left: estimate.leftAt(end * share) ?? Number.NaN, took: end * (1 - share) };
}

const many: Task[] = Array.from({ length: 500 }, (_, n) => ({ id: `t${n}`, description: 'x' }));

test.each([0.2, 0.5, 0.9])('without estimates, learns from what has finished (%d)', (share) => {
  const { left, took } = estimateAt(share, many, ({ id }) => 500 + (Number(id.slice(1)) % 7) * 100);
  expect(left / took).toBeGreaterThan(0.8);
  expect(left / took).toBeLessThan(1.25);
});

test('estimates that are all wrong by the same factor are corrected', () => {
  const tasks = many.map((task, n) => ({ ...task, estimate: { durationMs: n < 250 ? 100 : 400 } }));
  const { left, took } = estimateAt(0.3, tasks, ({ estimate }) => 3 * (estimate?.durationMs ?? 0));
  expect(left / took).toBeGreaterThan(0.8);
  expect(left / took).toBeLessThan(1.25);
});

test('a chain takes as long as its tasks, however many could run at once', () => {
  const chain = many.slice(0, 50).map((task, n) => ({
    ...task,
    dependencies: n === 0 ? [] : [`t${n - 1}`],
  }));
  const { left, took } = estimateAt(0.4, chain, () => 1_000);
  expect(left / took).toBeGreaterThan(0.9);
  expect(left / took).toBeLessThan(1.1);
});

test('between two estimates, follows the tasks that settle', () => {
  const estimate = new RunEstimate();
  const { timeline } = simulate(
    {
      goal: 'x',
      tasks: [
        { id: 'first', description: 'x' },
        ...many.map((task) => ({ ...task, dependencies: ['first'] })),
      ],
    },
    {
      strategy: parallel({ maxParallel: 10 }),
      // Whatever is slow at the start says little about the rest.
      attempt: ({ id }) => ({ durationMs: id === 'first' ? 60_000 : 10 }),
    },
  );
  const completed = timeline.filter(({ type }) => type === 'task_completed');
  const early = completed[4] as RunEvent;
  const late = completed.at(-3) as RunEvent;
  for (const event of timeline.slice(0, timeline.indexOf(early) + 1)) estimate.apply(event);
  const before = estimate.leftAt(early.timestamp) as number;
  for (const event of timeline.slice(timeline.indexOf(early) + 1, timeline.indexOf(late) + 1)) {
    estimate.apply(event);
  }
  expect(estimate.leftAt(late.timestamp)).toBeLessThanOrEqual(before / 100);
});

test('says nothing before three tasks have completed', () => {
  expect(new RunEstimate().leftAt(5)).toBeUndefined();
});

test.each([
  [undefined, ''],
  [1_200, 'about 5 s left'],
  [17_000, 'about 20 s left'],
  [59_000, 'about 1 m left'],
  [150_000, 'about 3 m left'],
  [4_500_000, 'about 1 h 15 m left'],
])('%d ms are shown as "%s"', (ms, text) => {
  expect(leftText(ms)).toBe(text);
});
