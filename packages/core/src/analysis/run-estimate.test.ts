import { expect, test } from 'vitest';
import { inOrder } from '../../test/runs.js';
import type { RunEvent } from '../contract/event.js';
import type { Task } from '../contract/task.js';
import type { SimulateOptions, SimulationControls } from '../simulate/options.js';
import { simulate } from '../simulate/simulate.js';
import { RunEstimate } from './run-estimate.js';

/** What the estimate says when a share of the run is over, and how long it then takes. */
function estimateAt(share: number, tasks: readonly Task[], durationMs: (task: Task) => number) {
  const { timeline } = simulate(
    { goal: 'x', tasks },
    {
      strategy: inOrder,
      maxParallel: 10,
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
      strategy: inOrder,
      maxParallel: 10,
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

test('says nothing during a pause, and after the end', () => {
  const { timeline } = simulate(
    { goal: 'x', tasks: many.slice(0, 40) },
    {
      strategy: inOrder,
      maxParallel: 4,
      attempt: () => ({ durationMs: 100 }),
      actions: [
        { atMs: 450, act: (run) => run.pause() },
        { atMs: 700, act: (run) => run.resume() },
      ],
    },
  );
  const estimate = new RunEstimate();
  const said = timeline.map((event) => {
    estimate.apply(event);
    return { at: event.timestamp, left: estimate.leftAt(event.timestamp) };
  });
  const isSaid = (from: number, to: number) =>
    said.filter(({ at }) => at >= from && at < to).map(({ left }) => left !== undefined);
  expect(new Set(isSaid(200, 450))).toEqual(new Set([true]));
  expect(new Set(isSaid(451, 700))).toEqual(new Set([false]));
  expect(said.at(-1)?.left).toBeUndefined();
});

/** The estimate after ten of fifty tasks, two at a time, and after something that happens before them. */
function estimateAfter(atMs: number, happens: NonNullable<SimulateOptions['actions']>) {
  const { timeline } = simulate(
    { goal: 'x', tasks: many.slice(0, 50) },
    {
      ...{ strategy: inOrder, maxParallel: 2, actions: happens },
      attempt: ({ id }) => ({ durationMs: id === 't0' ? 1_000_000 : 1_000 }),
    },
  );
  const estimate = new RunEstimate();
  for (const event of timeline) if (event.timestamp <= atMs) estimate.apply(event);
  return estimate.leftAt(atMs) as number;
}

test('an attempt that is skipped counts no more', () => {
  const left = estimateAfter(6_500, [{ atMs: 500, act: (run) => run.skipTask('t0') }]);
  // Two at a time, 38 more after the eleven that have ended.
  expect(left).toBeGreaterThan(18_000);
  expect(left).toBeLessThan(20_000);
});

test('a pause does not count for the parallelism', () => {
  const skip = { atMs: 500, act: (run: SimulationControls) => run.skipTask('t0') };
  const paused = estimateAfter(106_500, [
    skip,
    { atMs: 6_500, act: (run) => run.pause() },
    { atMs: 106_500, act: (run) => run.resume() },
  ]);
  expect(paused / estimateAfter(6_500, [skip])).toBeCloseTo(1, 0);
});

test('starts again when a changed plan is accepted in the same log', () => {
  const { timeline } = simulate(
    { goal: 'x', tasks: many.slice(0, 8) },
    { strategy: inOrder, maxParallel: 1, attempt: () => ({ durationMs: 100 }) },
  );
  const estimate = new RunEstimate();
  const until = timeline.slice(
    0,
    timeline.findIndex(({ timestamp }) => timestamp === 500),
  );
  for (const event of until) estimate.apply(event);
  expect(estimate.leftAt(500)).toBeDefined();
  estimate.apply(timeline[0] as RunEvent);
  expect(estimate.leftAt(500)).toBeUndefined();
});

test('nothing is said while nobody knows how many items a stream has', () => {
  const stream = { name: 'rows', open: () => [] as never };
  const { timeline } = simulate(
    { goal: 'x', tasks: [{ id: 'each', description: 'x', forEach: { stream } }] },
    {
      strategy: inOrder,
      maxParallel: 10,
      read: (_, skip, count) => ({
        durationMs: 0,
        items: Array.from({ length: Math.min(count, 200 - skip) }, (_, n) => skip + n),
        isEnd: skip + count > 200,
      }),
    },
  );
  const estimate = new RunEstimate();
  const isEnd = (event: RunEvent) => event.type === 'tasks_added' && event.stream?.isEnd === true;
  const end = timeline.findIndex(isEnd);
  for (const event of timeline.slice(0, end)) {
    estimate.apply(event);
    expect(estimate.leftAt(event.timestamp)).toBeUndefined();
  }
  const [last] = timeline.slice(end) as [RunEvent];
  estimate.apply(last);
  expect(estimate.leftAt(last.timestamp)).toBeGreaterThan(0);
});
