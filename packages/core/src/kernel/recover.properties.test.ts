import { setImmediate } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Ledger } from '../../test/ledger.js';
import { must } from '../../test/must.js';
import { type RandomRun, type Recipe, randomRun, recipes } from '../../test/random-runs.js';
import { recorded } from '../../test/recorded.js';
import { capOf } from '../contract/cap.js';
import type { RunEvent } from '../contract/event.js';
import { resumeSimulation, simulate } from '../simulate/simulate.js';
import type { PlanResult } from '../state/result.js';

/** 10,000 crash points in the test command; `pnpm properties` tries a million. */
const RUNS = Number(process.env.RUNS ?? 10_000);
const SEED = Number(process.env.SEED ?? 1);
const BATCH = 10_000;
const CRASHES = 4;

/** What makes the outcome of a run depend on when, and in which order, things happen. */
const ORDER_MATTERS = [
  'addTasks',
  'cancel',
  'taskControl',
  'deadline',
  'budget',
  'failFast',
  'goal',
  'never',
  'replan',
];

/** Every part of a run alike: fast-check likes the ends of a range. */
const share = fc.noBias(fc.nat(999)).map((part) => part / 1_000);

const crashes = fc.array(
  fc.record({
    /** After which share of its events the run crashes. */
    share,
    downtimeMs: fc.constantFrom(0, 0.5, 17, 1_000),
    /** The same of the run that was resumed; it crashes once more. */
    again: fc.option(share, { nil: undefined }),
  }),
  { minLength: CRASHES, maxLength: CRASHES },
);

test(`a run resumes as if it had not been interrupted from ${RUNS.toLocaleString('en')} crash points`, {
  timeout: Number.POSITIVE_INFINITY,
}, async () => {
  const seen = new Map<string, number>();
  let equal = 0;
  for (let done = 0; done < RUNS; done += BATCH) {
    const points = Math.min(BATCH, RUNS - done);
    fc.assert(
      fc.property(recipes, fc.boolean(), crashes, (anyRecipe, isOrdered, points) => {
        const features = anyRecipe.features.filter((each) => !ORDER_MATTERS.includes(each));
        const recipe = isOrdered ? { ...anyRecipe, features } : anyRecipe;
        const run = randomRun(recipe);
        const whole = simulate(run.plan, run.options);
        checkAtOnce(recipe, run, whole, points[0] as Crash);
        for (const point of points) {
          const resumed = crash(recipe, whole, point);
          if (isOrdered && isSkippedAlike(resumed, whole)) {
            must(
              isDeepStrictEqual(outcomeOf(resumed), outcomeOf(whole)),
              'the outcome is the same',
            );
            equal++;
          }
          for (const event of resumed.timeline) {
            const kind = kindOf(event);
            if (kind !== undefined) seen.set(kind, (seen.get(kind) ?? 0) + 1);
          }
        }
      }),
      { numRuns: Math.ceil(points / CRASHES), seed: SEED + done / BATCH },
    );
    await setImmediate();
    if (RUNS > BATCH) console.log(`${(done + points).toLocaleString('en')} crash points hold`);
  }
  if (RUNS > BATCH) console.log(Object.fromEntries(seen), { equal });
  expect(equal).toBeGreaterThan(RUNS / 3);
  for (const kind of ['restarted', 'run_completed', 'run_failed', 'run_canceled']) {
    expect(seen.get(kind) ?? 0, kind).toBeGreaterThan(RUNS / 50);
  }
});

interface Crash {
  readonly share: number;
  readonly downtimeMs: number;
  readonly again: number | undefined;
}

/** The run once more, with a crash or two. */
function crash(recipe: Recipe, whole: PlanResult, { share, downtimeMs, again }: Crash): PlanResult {
  const first = goOn(recipe, whole, share, downtimeMs);
  return again === undefined ? first : goOn(recipe, first, again, downtimeMs);
}

function goOn(recipe: Recipe, until: PlanResult, share: number, downtimeMs: number): PlanResult {
  const run = randomRun(recipe);
  const crashed = until.timeline.slice(0, 1 + Math.floor(share * until.timeline.length));
  const log = recorded(run.plan, crashed);
  const resumed = resumeSimulation(run.plan, run.options, log, { downtimeMs });
  checkLog(crashed, resumed);
  return resumed;
}

/**
 * A run that resumes at the moment of its crash is checked like an uninterrupted run. The ledger can only
 * check rounds of re-planning in whole runs.
 */
function checkAtOnce(recipe: Recipe, run: RandomRun, whole: PlanResult, { share }: Crash): void {
  const features = recipe.features.filter((each) => each !== 'replan');
  if (features.length < recipe.features.length) return;
  const crashed = whole.timeline.slice(0, 1 + Math.floor(share * whole.timeline.length));
  const again = randomRun(recipe);
  const log = recorded(again.plan, crashed);
  const resumed = resumeSimulation(again.plan, again.options, log);
  const starts = crashed.filter(({ type }) => type === 'task_started').length;
  const given = [...run.given.slice(0, starts), ...again.given];
  const cap = capOf(run.options.strategy, run.options.maxParallel);
  const ledger = new Ledger({ ...again, given }, cap);
  for (const event of resumed.timeline) ledger.enter(event);
  ledger.close(resumed);
}

/** No completion is lost, no task completes twice, and everything ends. */
function checkLog(crashed: readonly RunEvent[], { timeline, tasks }: PlanResult): void {
  const completed = new Set<string>();
  let now = 0;
  for (const [position, event] of timeline.entries()) {
    must(event.sequence === position, 'events are numbered in order');
    must(event.timestamp >= now, 'time does not go backwards');
    now = event.timestamp;
    if (event.type !== 'task_completed') continue;
    must(!completed.has(event.taskId), 'a task completes once', event.taskId);
    completed.add(event.taskId);
  }
  for (const [position, event] of crashed.entries()) {
    const again = timeline[position] as RunEvent;
    must(event.type === again.type && idOf(event) === idOf(again), 'the past stands');
    if (event.type !== 'task_completed' || again.type !== 'task_completed') continue;
    const isSame = JSON.stringify(event.output) === JSON.stringify(again.output);
    must(isSame, 'an output stands', event.taskId);
  }
  const isOver = tasks.every(({ status }) => status !== 'pending' && status !== 'running');
  must(isOver, 'every task ends');
}

/**
 * Of two reasons to skip a task, the earlier one applies. A group fails when a subtask was skipped because
 * of a failure, but not when it was not chosen.
 */
function isSkippedAlike(one: PlanResult, other: PlanResult): boolean {
  const reasons = new Map(other.tasks.map(({ id, reason }) => [id, reason]));
  return one.tasks.every(({ id, reason }) => {
    const both = [reason, reasons.get(id)];
    return !(both.includes('condition_false') && both.includes('dependency_failed'));
  });
}

function outcomeOf({ status, error, tasks, metrics }: PlanResult) {
  return {
    status,
    code: error?.code,
    spent: [metrics.usage, metrics.costUsd, metrics.attempts, metrics.completedTasks],
    // Fan-outs that start in another order have their elements in another order.
    tasks: Object.fromEntries(
      tasks.map(({ id, status, output, error, attempts }) => {
        return [id, [status, attempts, error?.message, JSON.stringify(output)]];
      }),
    ),
  };
}

function idOf(event: RunEvent): string | undefined {
  return (event as { taskId?: string }).taskId;
}

function kindOf(event: RunEvent): string | undefined {
  if (event.type === 'run_resumed') return event.restarted.length > 0 ? 'restarted' : 'resumed';
  return event.type.startsWith('run_') ? event.type : undefined;
}
