import { hasSubtasks, type ModulePlan, type Task } from '../contract/task.js';
import { isRecord } from '../util/record.js';
import { add, type PlanPath, type Problems } from './checks.js';

/** Settings of a whole run, with what to do instead. */
const RUN_SETTINGS: Readonly<Record<string, string>> = {
  goalState: 'it decides when a run ends',
  goalCheckInterval: 'it decides when a run ends',
  deadlineMs: 'it limits a whole run',
  budget: 'it limits a whole run',
  strategy: 'it schedules a whole run',
};

/** Reports settings of a plan that only have an effect where the plan is run by itself. */
export function checkModuleSettings(problems: Problems, plan: object, path: PlanPath): void {
  for (const [field, why] of Object.entries(RUN_SETTINGS)) {
    if ((plan as Record<string, unknown>)[field] === undefined) continue;
    const message = `has no effect in a module, as ${why}; set it in the plan that uses the module`;
    add(problems, 'conflict', [...path, field], message);
  }
}

/** Fields of work that the tasks of a module do instead. */
const IDLE_FIELDS = ['run', 'tool', 'command', 'waitFor'] as const;

/** Checks the fields of a task that make it a module, without the tasks of its plan. */
export function checkModule(problems: Problems, task: Task, path: PlanPath): void {
  const { plan, with: values, type, description } = task;
  if (plan === undefined) {
    if (values === undefined) return;
    const message = 'has no effect on a task without a plan; it gives the inputs of that plan';
    add(problems, 'conflict', [...path, 'with'], message);
    return;
  }
  if (hasSubtasks({ ...task, plan: undefined })) {
    const message = 'has no effect beside plan, whose tasks are the subtasks; remove one of them';
    add(problems, 'conflict', [...path, 'subtasks'], message);
  }
  for (const field of IDLE_FIELDS) {
    if (task[field] === undefined) continue;
    const message = 'has no effect beside plan: the tasks of that plan do the work';
    add(problems, 'conflict', [...path, field], message);
  }
  if (type === 'aggregate' && description !== undefined) {
    const message =
      'has no effect on a module, whose description is no prompt; let a task of its plan combine its outputs';
    add(problems, 'conflict', [...path, 'type'], message);
  }
  if (values !== undefined && typeof values !== 'function' && !isRecord(values)) {
    const message = 'must give the inputs of the plan by name, like { draft: "{{write}}" }';
    add(problems, 'invalid_value', [...path, 'with'], message);
  }
  if (!isModulePlan(plan)) {
    const message = 'must be a plan, with a goal and tasks: createPlan() makes one';
    add(problems, 'invalid_value', [...path, 'plan'], message);
  }
}

/** Stands for a plan that cannot be read, or has problems that are reported where it is written. */
export const UNKNOWN_MODULE: ModulePlan = { goal: '', tasks: [] };

/** Whether a value has the form of a plan, whatever its tasks are. */
export function isModulePlan(value: unknown): value is ModulePlan {
  return isRecord(value) && Array.isArray(value.tasks);
}
