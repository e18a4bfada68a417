import { StratagemError } from '../contract/errors.js';
import type { Json } from '../contract/journal.js';
import { canonical } from './canonical.js';
import type { PlanData, TaskData } from './plan.js';

/** What is different about one task. */
export interface TaskChange {
  readonly taskId: string;
  readonly kind: 'added' | 'removed' | 'changed';
  /** Of a changed task, what of it; `parent` when it belongs to another task now. */
  readonly fields: readonly string[];
}

/** What is different between two plans. */
export interface PlanDiff {
  readonly tasks: readonly TaskChange[];
  /** What of the plan itself: `goal`, `deadlineMs`, … */
  readonly settings: readonly string[];
}

const NO_DIFFERENCE: PlanDiff = { tasks: [], settings: [] };

/**
 * Compares a plan with the one that a run was started with, as data: what a function does cannot be
 * seen, only whether there is one. The order of tasks makes no difference.
 */
export function diffPlans(before: PlanData, after: PlanData): PlanDiff {
  // The same program writes the same plan in the same way.
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

/** The plan that was given is not the one that the run was started with. */
export class PlanChangedError extends StratagemError {
  readonly runId: string;
  readonly diff: PlanDiff;

  constructor(runId: string, diff: PlanDiff) {
    const lines = linesOf(diff);
    const shown = lines.slice(0, 20).map((line) => `  ${line}`);
    if (lines.length > shown.length) shown.push(`  and ${lines.length - shown.length} more`);
    super(
      'plan_changed',
      `The plan is not the one that run "${runId}" was started with. Adopt it (adopt: true) to keep ` +
        `what is complete and has not changed:\n${shown.join('\n')}`,
    );
    this.runId = runId;
    this.diff = diff;
  }
}

function linesOf({ tasks, settings }: PlanDiff): string[] {
  const sign = { added: '+', removed: '-', changed: '~' };
  return [
    ...settings.map((setting) => `~ ${setting} of the plan`),
    ...tasks.map(({ taskId, kind, fields }) => {
      const what = fields.length === 0 ? '' : `: ${fields.join(', ')}`;
      return `${sign[kind]} task "${taskId}"${what}`;
    }),
  ];
}

/** A task and the one it belongs to. */
interface Place {
  readonly task: TaskData;
  readonly parent: string | undefined;
}

/** The tasks by their ids; those of a fan-out's pattern are part of the fan-out. */
export function placesOf({ tasks }: PlanData): ReadonlyMap<string, Place> {
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

/** Fields whose tasks are compared by themselves. */
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
