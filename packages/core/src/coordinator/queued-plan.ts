import { OptionError, StratagemError } from '../contract/errors.js';
import type { Json } from '../contract/journal.js';
import type { Plan } from '../contract/plan.js';
import type { InputValues } from '../contract/plan-inputs.js';
import type { QueuedRun } from '../contract/run-queue.js';
import { parsePlanDocument } from '../document/parse.js';
import { incompleteTasks } from '../serialize/decode-plan.js';
import { type PlanData, planToData, type TaskData } from '../serialize/plan.js';
import { PlanChangedError } from '../serialize/plan-changed-error.js';
import { diffPlans, isSame } from '../serialize/plan-diff.js';
import { fromData } from '../serialize/value.js';
import { QUEUED_OPTIONS, type QueuedOptions } from './submit-run.js';

/**
 * The plan of a queued run: the one of the coordinator with the same goal, or the submitted one.
 *
 * @throws {PlanError} when the submitted plan is invalid.
 * @throws {PlanChangedError} when the plan of the coordinator differs from the submitted one.
 * @throws {StratagemError} `plan_required` when the plan has functions, and the coordinator lacks it.
 */
export function planOf({ id, plan }: QueuedRun, plans: ReadonlyMap<string, Plan>): Plan {
  const { goal, tasks } = Object(plan) as {
    readonly goal: string;
    readonly tasks?: readonly Json[];
  };
  const known = plans.get(goal);
  if (known !== undefined) {
    const diff = diffPlans(plan as PlanData, planToData(known));
    if (!isSame(diff)) throw new PlanChangedError(id, diff);
    return known;
  }
  const missing = Array.isArray(tasks)
    ? incompleteTasks(tasks as unknown as readonly TaskData[], () => false).filter(([, fields]) =>
        fields.some(isFunction),
      )
    : [];
  const [task] = missing;
  if (task === undefined) return parsePlanDocument(plan).plan;
  throw new StratagemError(
    'plan_required',
    `Run "${id}" cannot start here: its task "${task[0]}" has a function (${task[1].join(', ')}). Give the plan to this coordinator in \`plans\``,
  );
}

/** Schemas of outputs are JSON Schema in a submitted plan, and headers are left out. */
function isFunction(field: string): boolean {
  return field !== 'outputSchema' && field !== 'headers';
}

export function inputsOf({ inputs }: QueuedRun): InputValues | undefined {
  return inputs === undefined ? undefined : (fromData(inputs) as InputValues);
}

/** @throws {OptionError} when a submitted option is none that can be submitted. */
export function optionsOf({ id, options = {} }: QueuedRun): QueuedOptions {
  const given = Object(fromData(options)) as QueuedOptions;
  for (const name of Object.keys(given)) {
    if ((QUEUED_OPTIONS as readonly string[]).includes(name)) continue;
    throw new OptionError(`Run "${id}" was submitted with the option "${name}", which is unknown`);
  }
  return given;
}
