import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkRun } from '../test/check-run.js';
import { randomRun, recipes } from '../test/random-runs.js';
import { PlanError } from './problem.js';
import { simulate } from './simulate.js';

/** 10,000 in the test command; `pnpm properties` runs a million. */
const RUNS = Number(process.env.RUNS ?? 10_000);
const SEED = process.env.SEED === undefined ? 1 : Number(process.env.SEED);

test(`what must hold in every run holds in ${RUNS.toLocaleString('en')} random ones`, {
  timeout: Number.POSITIVE_INFINITY,
}, () => {
  const statuses = new Map<string, number>();
  fc.assert(
    fc.property(recipes, (recipe) => {
      const result = simulate(...argumentsOf(recipe));
      checkRun(randomRun(recipe), result);
      expect(logOf(simulate(...argumentsOf(recipe)))).toBe(logOf(result));
      const ending = result.error?.code ?? result.status;
      statuses.set(ending, (statuses.get(ending) ?? 0) + 1);
    }),
    { numRuns: RUNS, seed: SEED },
  );
  // That the random runs are of all kinds.
  for (const ending of [
    'completed',
    'plan_failed',
    'plan_canceled',
    'plan_timeout',
    'goal_not_achieved',
    'budget_exceeded',
  ]) {
    expect(statuses.get(ending), ending).toBeGreaterThan(RUNS / 1_000);
  }
});

function argumentsOf(recipe: Parameters<typeof randomRun>[0]): Parameters<typeof simulate> {
  const { plan, options } = randomRun(recipe);
  return [plan, options];
}

/** A log as text; functions and causes apart, which do not differ. */
function logOf({ timeline }: ReturnType<typeof simulate>): string {
  return JSON.stringify(timeline);
}

test('the random plans are valid', () => {
  fc.assert(
    fc.property(recipes, (recipe) => {
      const { plan } = randomRun(recipe);
      try {
        simulate(plan, randomRun(recipe).options);
      } catch (error) {
        if (error instanceof PlanError) throw error;
      }
    }),
    { numRuns: 500 },
  );
});
