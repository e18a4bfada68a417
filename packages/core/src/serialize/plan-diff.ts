import type { Json } from '../contract/journal.js';
import { isTemplate } from '../contract/task.js';
import { canonical } from './canonical.js';
import { type PlanData, subtasksIn, type TaskData } from './plan.js';
import type { PlanDiff, TaskChange } from './plan-changed-error.js';

const NO_DIFFERENCE: PlanDiff = { tasks: [], settings: [] };

/**
 * Compares two plans as data: only the presence of functions is compared, not their code. The order of
 * tasks does not matter.
 */
export function diffPlans(before: PlanData, after: PlanData): PlanDiff {
  // The common case: the same program makes the same plan.
  if (before === after || JSON.stringify(before) === JSON.stringify(after)) return NO_DIFFERENCE;
  const [had, has] = [placesOf(before), placesOf(after)];
  const tasks: TaskChange[] = [];
  for (const [taskId, place] of has) {
    const other = had.get(taskId);
    if (other === undefined) tasks.push({ taskId, kind: 'added', fields: [] });
    else {
      const fields = taskDifferences(other.task, place.task);
      if (other.parent !== place.parent) fields.push('parent');
      if (fields.length > 0) tasks.push({ taskId, kind: 'changed', fields });
    }
  }
  for (const taskId of had.keys()) {
    if (!has.has(taskId)) tasks.push({ taskId, kind: 'removed', fields: [] });
  }
  return { tasks, settings: differences(before, after, ['tasks']) };
}

export function isSame({ tasks, settings }: PlanDiff): boolean {
  return tasks.length === 0 && settings.length === 0;
}

/** A task and the id of its parent. */
interface Place {
  readonly task: TaskData;
  readonly parent: string | undefined;
}

/** The tasks by id; the subtasks of a fan-out or a loop are part of it. */
function placesOf({ tasks }: PlanData): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  const visit = (list: readonly TaskData[], parent: string | undefined) => {
    for (const task of list) {
      places.set(task.id, { task, parent });
      if (!isTemplate(task as object)) visit(subtasksIn(task), task.id);
    }
  };
  visit(tasks, undefined);
  return places;
}

/** The fields that differ; those of the plan of a module as `plan.outputs`. Its tasks are compared separately. */
function taskDifferences(before: TaskData, after: TaskData): string[] {
  const isPattern = isTemplate(after as object);
  const isModule = before.plan !== undefined && after.plan !== undefined;
  const isGroup = after.subtasks !== undefined && !isPattern;
  const except = ['id', ...(isGroup ? ['subtasks'] : []), ...(isModule ? ['plan'] : [])];
  const fields = differences(before, after, except);
  if (!isModule) return fields;
  const inner = differences(
    before.plan as Fields,
    after.plan as Fields,
    isPattern ? [] : ['tasks'],
  );
  return [...fields, ...inner.map((field) => `plan.${field}`)];
}

type Fields = { readonly [field: string]: Json };

function differences(before: Fields, after: Fields, except: readonly string[]): string[] {
  const fields = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...fields].filter((field) => {
    return !except.includes(field) && canonical(before[field]) !== canonical(after[field]);
  });
}
