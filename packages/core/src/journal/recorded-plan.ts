import { StratagemError } from '../contract/errors.js';
import { isMadeFromTemplate, type RunLimits } from '../contract/event.js';
import type { EventData, Json } from '../contract/journal.js';
import { subtasksOf } from '../contract/module.js';
import type { Task } from '../contract/task.js';
import { incompleteTasks } from '../serialize/decode-plan.js';
import type { PlanData, TaskData } from '../serialize/plan.js';
import { fromData } from '../serialize/value.js';
import type { ResumeOptions } from './resume-options.js';

/** What the first event of a run says. */
export interface Start {
  readonly plan: PlanData;
  readonly inputs: Json | undefined;
  readonly seed: number;
  readonly limits: RunLimits;
}

/** What is done with a recorded run, for messages. */
type Use = 'resumed' | 'forked';

export function startOf([first]: readonly EventData[]): Start {
  if (first?.type !== 'run_started') throw new TypeError('it does not start with run_started');
  const { plan, seed, limits = {}, inputs } = first as unknown as Partial<Start>;
  if (!Array.isArray(plan?.tasks) || typeof seed !== 'number') {
    throw new TypeError('its run_started has no plan');
  }
  // A field without a value was given: it is recorded, and is no limit.
  return { plan, seed, limits: fromData(limits as Json) as RunLimits, inputs };
}

/** @throws {StratagemError} `plan_required` when a task that may run has functions or schemas. */
export function requirePlan(
  runId: string,
  tasks: readonly TaskData[],
  log: readonly EventData[],
  retryFailed: boolean,
  use: Use = 'resumed',
): void {
  // Tasks that ran after a failure run again, with what depends on them.
  const mayRunAgain = retryFailed && JSON.stringify(tasks).includes('"runAfter"');
  const missing = incompleteTasks(tasks, mayRunAgain ? () => false : completedIn(log));
  if (missing.length === 0) return;
  throw new StratagemError(
    'plan_required',
    `Run "${runId}" cannot be ${use} without its plan, because functions and schemas are not ` +
      `recorded. Pass it as \`plan\`. It is needed for ${listed(missing)}`,
  );
}

/**
 * Refuses other inputs for a recorded plan: what its schema checks and changes in a value is code.
 *
 * @throws {StratagemError} `plan_required`
 */
export function requirePlanForInputs(runId: string, changed: readonly string[]): void {
  if (changed.length === 0) return;
  const names = changed.map((name) => `"${name}"`).join(', ');
  throw new StratagemError(
    'plan_required',
    `Run "${runId}" cannot be forked with another value of ${names} without its plan, because the ` +
      'schema that checks the inputs is not recorded. Pass it as `plan`',
  );
}

/** The given tasks by id. Throws unless they cover all added tasks that data alone cannot restore. */
export function addedTasks(
  runId: string,
  log: readonly EventData[],
  { addedTasks: given = [] }: ResumeOptions,
  use: Use = 'resumed',
): ReadonlyMap<string, Task> {
  const byId = new Map<string, Task>();
  const collect = (tasks: readonly Task[]) => {
    for (const task of tasks) {
      byId.set(task.id, task);
      collect(subtasksOf(task) ?? []);
    }
  };
  collect(given);
  const isCompleted = completedIn(log);
  const isKnown = (id: string) => isCompleted(id) || byId.has(id);
  const missing = log.flatMap(({ type, source, tasks }) => {
    if (type !== 'tasks_added' || isMadeFromTemplate({ source })) return [];
    return incompleteTasks(tasks as unknown as readonly TaskData[], isKnown);
  });
  if (missing.length === 0) return byId;
  throw new StratagemError(
    'plan_required',
    `Run "${runId}" cannot be ${use} without the tasks that were added at run time, because ` +
      `functions and schemas are not recorded. Pass them as \`addedTasks\`: ${listed(missing)}`,
  );
}

function completedIn(log: readonly EventData[]): (id: string) => boolean {
  const completed = new Set<string>();
  for (const { type, taskId } of log) {
    if (type === 'task_completed' && taskId !== undefined) completed.add(taskId);
  }
  return (id) => completed.has(id);
}

const SHOWN = 5;

function listed(missing: readonly (readonly [id: string, fields: readonly string[]])[]): string {
  const shown = missing.slice(0, SHOWN).map(([id, fields]) => `"${id}" (${fields.join(', ')})`);
  const more = missing.length - shown.length;
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '');
}
