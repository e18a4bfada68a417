import fc from 'fast-check';
import { expect, test } from 'vitest';
import { must } from '../../test/must.js';
import { randomRun, recipes } from '../../test/random-runs.js';
import { inOrder, planOf } from '../../test/runs.js';
import { RunnerError } from '../contract/errors.js';
import type { RunEvent } from '../contract/event.js';
import type { Task } from '../contract/task.js';
import type { SimulateOptions } from './options.js';
import { findAlternatives, replayRun } from './replay.js';
import { simulate } from './simulate.js';

const RUNS = Math.max(50, Math.ceil(Number(process.env.RUNS ?? 10_000) / 10));
const SEED = Number(process.env.SEED ?? 1);

function task(id: string, durationMs: number, ...dependencies: string[]): Task {
  return { id, description: id, dependencies, estimate: { durationMs } };
}

function timelineOf(tasks: Task[], options: Partial<SimulateOptions> = {}): readonly RunEvent[] {
  return simulate(planOf(...tasks), { strategy: inOrder, ...options }).timeline;
}

function msOf(events: readonly RunEvent[], options = {}): number {
  return replayRun(events, options).metrics.executionTimeMs;
}

test('a replay takes as long as the run, and less with a higher cap', () => {
  const list = Array.from({ length: 12 }, (_, n) => task(`t${n}`, 100));
  const events = timelineOf([...list, task('end', 50, 't11')], { maxParallel: 2 });
  expect(msOf(events)).toBe(650);
  expect(msOf(events, { maxParallel: 4 })).toBe(350);
  expect(msOf(events, { maxParallel: 1 })).toBe(1_250);
  expect(msOf(events, { maxParallel: Number.POSITIVE_INFINITY })).toBe(150);
});

test('failed attempts, delays, pauses of servers and people are repeated, or left out', () => {
  const attempt: SimulateOptions['attempt'] = ({ id }, number) => {
    if (id === 'flaky' && number < 3) {
      return { durationMs: 30, error: new RunnerError('server_error', 'no') };
    }
    if (id === 'busy' && number === 1) {
      const error = new RunnerError('rate_limited', 'slow down', { retryAfterMs: 400 });
      return { durationMs: 20, error };
    }
    return { durationMs: 100 };
  };
  const ask: Task = { id: 'ok', description: 'Ok?', waitFor: 'approval', dependencies: ['flaky'] };
  const options = { attempt, retry: { initialDelayMs: 64 }, maxParallel: 1 };
  const events = timelineOf([task('flaky', 1), task('busy', 1, 'ok'), ask], {
    ...options,
    answer: () => ({ afterMs: 1_000, answer: true }),
    actions: [
      { atMs: 10, act: (run) => run.pause() },
      { atMs: 200, act: (run) => run.resume() },
    ],
  });
  const took = (events.at(-1) as RunEvent).timestamp;
  expect(msOf(events)).toBe(took);
  expect(msOf(events, { withoutRetries: true })).toBeLessThan(took);
  expect(msOf(events, { withoutRateLimits: true })).toBe(took - 420);
});

test('the alternatives name caps that could matter, and what retries and rate limits cost', () => {
  const list = Array.from({ length: 40 }, (_, n) => task(`t${n}`, 100));
  const events = timelineOf(list, {
    maxParallel: 4,
    attempt: ({ id }, number) =>
      id === 't3' && number === 1
        ? { durationMs: 10, error: new RunnerError('timeout', 'no') }
        : { durationMs: 100 },
    retry: { initialDelayMs: 0 },
  });
  const { makespanMs, replayMs, alternatives } = findAlternatives(events);
  expect(replayMs).toBe(makespanMs);
  expect(alternatives.map(({ kind, maxParallel }) => maxParallel ?? kind)).toEqual([
    ...[1, 2, 8, 16, 32],
    'max_parallel',
    'without_retries',
  ]);
  expect(alternatives.find(({ maxParallel }) => maxParallel === 8)?.makespanMs).toBe(510);
  expect(alternatives.find(({ maxParallel }) => maxParallel === null)?.makespanMs).toBe(110);
});

test('no cap is tried that is above the most that ran at once, and below the cap of the run', () => {
  const plan = planOf(
    ...[task('a1', 10), task('a2', 10, 'a1'), task('a3', 10, 'a2')],
    ...[task('b1', 10), task('b2', 10, 'b1'), task('b3', 10, 'b2')],
  );
  const events = simulate(plan, {
    ...{ strategy: inOrder, maxParallel: 24 },
    attempt: ({ estimate }) => ({ durationMs: estimate?.durationMs ?? 0, output: 'x' }),
  }).timeline;
  const { alternatives } = findAlternatives(events);
  expect(alternatives.map(({ maxParallel }) => maxParallel)).toEqual([1, 2, null]);
});

test('groups, fan-outs and tasks that were added keep their order', () => {
  const plan = planOf(
    { ...task('list', 10), outputSchema: undefined },
    {
      id: 'each',
      forEach: 'list',
      dependencies: ['list'],
      description: 'x',
      estimate: { durationMs: 40 },
    },
    { id: 'group', dependencies: ['each'], subtasks: [task('in', 20), task('out', 30, 'in')] },
    task('end', 5, 'group'),
  );
  const { timeline } = simulate(plan, {
    strategy: inOrder,
    attempt: ({ id, estimate }) => ({
      durationMs: estimate?.durationMs ?? 0,
      output: id === 'list' ? ['a', 'b'] : id,
      ...(id === 'end' && { addTasks: [task('more', 7)] }),
    }),
  });
  expect(msOf(timeline)).toBe(10 + 40 + 50 + 5 + 7);
  expect(msOf(timeline, { maxParallel: 1 })).toBe(10 + 80 + 50 + 5 + 7);
});

test(`${RUNS} random runs, whole or cut off, can be replayed, and no cap is worse than the sum`, () => {
  fc.assert(
    fc.property(recipes, fc.noBias(fc.nat(999)), (recipe, cut) => {
      const { plan, options } = randomRun(recipe);
      const { timeline } = simulate(plan, options);
      const prefix = timeline.slice(0, 1 + Math.floor((cut / 1_000) * timeline.length));
      for (const events of [timeline, prefix]) {
        const result = replayRun(events, { maxParallel: Number.POSITIVE_INFINITY });
        must(result.status === 'completed', 'a replay completes');
        const one = replayRun(events, { maxParallel: 1 });
        must(one.metrics.attempts === result.metrics.attempts, 'a cap changes no attempt');
        findAlternatives(events);
      }
    }),
    { numRuns: RUNS, seed: SEED },
  );
});

test.each([
  [{ maxParallel: 0 }, 'replayRun(): maxParallel must be an integer ≥ 1'],
  [{ cap: 3 }, 'replayRun() has no option "cap"'],
])('refuses %j', (options, message) => {
  expect(() => replayRun(timelineOf([task('a', 1)]), options as object)).toThrow(message);
});

test('refuses what is no run', () => {
  expect(() => replayRun([])).toThrow('a log begins with run_started');
  expect(() => findAlternatives(5 as never)).toThrow('findAlternatives()');
});
