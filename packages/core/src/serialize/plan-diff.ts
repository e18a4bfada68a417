import type { Json } from '../contract/journal.js';
import { canonical } from './canonical.js';
import type { PlanData, TaskData } from './plan.js';
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
      const fields = differences(other.task, place.task, ['id', ...innerFields(place.task)]);
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

/** The tasks by id; the subtasks of a fan-out are part of the fan-out. */
function placesOf({ tasks }: PlanData): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  const visit = (list: readonly TaskData[], parent: string | undefined) => {
    for (const task of list) {
      places.set(task.id, { task, parent });
      if (innerFields(task).length > 0) visit(task.subtasks as readonly TaskData[], task.id);
    }
  };
  visit(tasks, undefined);
  return places;
}

/** Fields with tasks that are compared separately. */
function innerFields(task: TaskData): string[] {
  return task.subtasks !== undefined && task.forEach === undefined ? ['subtasks'] : [];
}

function differences(
  before: { readonly [field: string]: Json },
  after: { readonly [field: string]: Json },
  except: readonly string[],
): string[] {
  const fields = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...fields].filter((field) => {
    return !except.includes(field) && canonical(before[field]) !== canonical(after[field]);
  });
}
