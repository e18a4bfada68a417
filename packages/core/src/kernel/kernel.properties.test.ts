import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkRun } from '../../test/check-run.js';
import { type Recipe, randomRun, recipes } from '../../test/random-runs.js';
import type { RunEvent } from '../contract/event.js';
import { simulate } from '../simulate/simulate.js';
import type { PlanResult } from '../state/result.js';

/** 10,000 in the test command; `pnpm properties` runs a million. */
const RUNS = Number(process.env.RUNS ?? 10_000);
const SEED = Number(process.env.SEED ?? 1);
/** After so many, whoever waits for the test process gets a word. */
const BATCH = 10_000;

test(`the invariants of runs hold in ${RUNS.toLocaleString('en')} random ones`, {
  timeout: Number.POSITIVE_INFINITY,
}, async () => {
  const endings = new Map<string, number>();
  const seen = new Set<string>();
  for (let done = 0; done < RUNS; done += BATCH) {
    const numRuns = Math.min(BATCH, RUNS - done);
    fc.assert(
      fc.property(recipes, (recipe) => {
        const run = randomRun(recipe);
        const result = simulate(run.plan, run.options);
        checkRun(run, result);
        const again = randomRun(recipe);
        const repeated = simulate(again.plan, again.options);
        expect(logOf(repeated)).toBe(logOf(result));
        const ending = result.error?.code ?? result.status;
        endings.set(ending, (endings.get(ending) ?? 0) + 1);
        for (const event of result.timeline) seen.add(kindOf(event));
      }),
      // Each batch has its own seed, which a failure reports.
      { numRuns, seed: SEED + done / BATCH },
    );
    await setImmediate();
    if (RUNS > BATCH) console.log(`${(done + numRuns).toLocaleString('en')} runs hold`);
  }
  if (RUNS > BATCH) console.log(Object.fromEntries(endings));
  // The random runs are of all kinds.
  for (const ending of ENDINGS) {
    expect(endings.get(ending) ?? 0, ending).toBeGreaterThan(RUNS / 100);
  }
  if (RUNS >= BATCH) expect(KINDS.filter((kind) => !seen.has(kind))).toEqual([]);
});

test.each<Recipe>([
  // A group is canceled alone, and one of its subtasks had been skipped for a failure that is replaced.
  {
    seed: 2024444043,
    size: 27,
    features: ['subtasks', 'when', 'timeouts', 'addTasks', 'replan', 'taskControl'],
  },
  // A strategy waits, and then chooses tasks whose server is in a cooldown.
  { seed: 1009551109, size: 24, features: ['subtasks', 'failures', 'strategy', 'resources'] },
  // A loop fails between the check that finds the goal achieved and the event that says so.
  {
    seed: 1134768812,
    size: 2,
    features: [
      'subtasks',
      'when',
      'failures',
      'addTasks',
      'failFast',
      'goal',
      'replan',
      'runAfter',
      'repeat',
    ],
  },
  // A run stops while a fan-out, which cleans up in spite of that, waits for its next items alone.
  {
    seed: 1006039770,
    size: 2,
    features: ['subtasks', 'forEach', 'failFast', 'runAfter', 'taskControl', 'streams'],
  },
  {
    seed: 4,
    size: 1,
    features: [
      'subtasks',
      'forEach',
      'failures',
      'addTasks',
      'pause',
      'cap',
      'strategy',
      'resources',
    ],
  },
])('it holds in the rare run $seed', (recipe) => {
  const run = randomRun(recipe);
  checkRun(run, simulate(run.plan, run.options));
});

/** A log as text. */
function logOf({ timeline }: PlanResult): string {
  return JSON.stringify(timeline);
}

/** What an event is, and why. */
function kindOf(event: RunEvent): string {
  const { type } = event;
  const { reason, source, budget, resource } = { ...event } as Record<string, unknown>;
  const scope = type.includes('budget') && resource !== undefined ? 'of a resource' : undefined;
  return [type, reason, source, budget, scope].filter((each) => each !== undefined).join(' ');
}

const ENDINGS = [
  'completed',
  'run_failed',
  'run_canceled',
  'deadline_exceeded',
  'goal_not_achieved',
  'budget_exceeded',
];

const KINDS = [
  'task_retrying',
  'task_waiting',
  'task_skipped dependency_failed',
  'task_skipped fail_fast',
  'task_skipped condition_false',
  'task_skipped nothing_failed',
  'task_skipped requested',
  'task_canceled requested',
  'task_skipped goal_achieved',
  'task_skipped budget_exceeded',
  'task_canceled run_canceled',
  'task_canceled deadline_exceeded',
  'task_canceled fail_fast',
  'task_canceled goal_achieved',
  'tasks_added for_each',
  'tasks_added add_tasks',
  'tasks_added replan',
  'replan_started tasks_failed',
  'replan_started goal_not_achieved',
  'replan_completed',
  'replan_failed',
  'goal_checked',
  'goal_achieved',
  'budget_exceeded tokens',
  'budget_exceeded costUsd',
  'budget_exceeded tasks',
  'budget_exceeded wallTimeMs',
  'budget_exceeded tokens of a resource',
  'budget_exceeded costUsd of a resource',
  'budget_waiting of a resource',
  'run_paused',
  'run_unpaused',
  'max_parallel_changed',
];
