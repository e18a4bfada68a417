import fc from 'fast-check';
import { expect, test } from 'vitest';
import { modularise, moduleInputsOf } from '../../test/modularise.js';
import { type RandomRun, type Recipe, randomRun, recipes } from '../../test/random-runs.js';
import { recorded } from '../../test/recorded.js';
import type { RunEvent } from '../contract/event.js';
import type { Plan } from '../contract/plan.js';
import { resumeSimulation, simulate } from '../simulate/simulate.js';
import type { PlanResult } from '../state/result.js';

const RUNS = Number(process.env.RUNS ?? 300);

/** A goal could be about tasks of a module, which the plan around it cannot name. */
const withGroups = recipes.map(
  (recipe): Recipe => ({
    ...recipe,
    size: Math.max(recipe.size, 4),
    features: [
      ...new Set([...recipe.features.filter((each) => each !== 'goal'), 'subtasks' as const]),
    ],
  }),
);

/** What must be the same with modules: all but the plan, the outputs of groups, and names in texts. */
function comparable(events: readonly RunEvent[]): unknown[] {
  return events.map((event) => {
    const {
      plan: _,
      items: __,
      question: ___,
      tasks,
      output,
      error,
      attempt,
      ...rest
    } = event as RunEvent & Record<string, unknown>;
    const ids = Array.isArray(tasks) ? tasks.map(({ id }: { readonly id: string }) => id) : tasks;
    const isOwn = event.type !== 'task_completed' || attempt !== 0;
    const { code, taskId } = (error ?? {}) as { readonly code?: string; readonly taskId?: string };
    return JSON.parse(
      JSON.stringify({ ...rest, attempt, ids, output: isOwn && output, code, taskId }),
    );
  });
}

/** Checks what tasks of modules got, and counts those that got an output of another task. */
function checkInputs(plan: Plan, { tasks }: PlanResult, given: RandomRun['given']): number {
  const outputs = new Map(tasks.map(({ id, output }) => [id, output]));
  let filled = 0;
  for (const { taskId, inputs } of given) {
    // Tasks that were added, and the copies of templates, are not in the plan.
    if (/[+[#]/.test(taskId)) continue;
    const values = moduleInputsOf(taskId, plan, (id) => outputs.get(id));
    expect(inputs.inputs, taskId).toEqual(values);
    if (values !== undefined && values.list.length > 0) filled++;
  }
  return filled;
}

test('a plan with modules has the events of the plan with groups in their place', {
  timeout: 60_000,
}, () => {
  let modules = 0;
  /** Attempts in modules that got an output of another task. */
  let filled = 0;
  fc.assert(
    fc.property(withGroups, (recipe) => {
      const [first, second] = [randomRun(recipe), randomRun(recipe)];
      const { inlined, modular } = modularise(first.plan);
      modules += modularise(first.plan).modules;
      const expected = simulate(inlined, first.options);
      const found = simulate(modular, second.options);
      expect(comparable(found.timeline)).toEqual(comparable(expected.timeline));
      filled += checkInputs(modular, found, second.given);
    }),
    { numRuns: RUNS, seed: 1 },
  );
  expect(modules).toBeGreaterThan(RUNS / 4);
  expect(filled).toBeGreaterThan(RUNS / 10);
});

test('a run with modules resumes as one with groups in their place', { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(withGroups, fc.nat(999), (recipe, part) => {
      const [first, second] = [randomRun(recipe), randomRun(recipe)];
      const { inlined, modular } = modularise(first.plan);
      const resume = (plan: typeof modular, { options }: typeof first) => {
        const { timeline } = simulate(plan, options);
        const log = recorded(
          plan,
          timeline.slice(0, 1 + Math.floor((part / 1_000) * timeline.length)),
        );
        const again = randomRun(recipe);
        const result = resumeSimulation(plan, again.options, log, { downtimeMs: 7 });
        if (plan === modular) checkInputs(modular, result, again.given);
        return result;
      };
      const expected = resume(inlined, first);
      const found = resume(modular, second);
      expect(comparable(found.timeline)).toEqual(comparable(expected.timeline));
    }),
    { numRuns: Math.ceil(RUNS / 3), seed: 2 },
  );
});
