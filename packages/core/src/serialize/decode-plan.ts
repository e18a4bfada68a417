import type { Json } from '../contract/journal.js';
import type { Plan } from '../contract/plan.js';
import { inputsSchema, type PlanInputRecord } from '../contract/plan-inputs.js';
import type { StandardSchema } from '../contract/schema.js';
import type { Task } from '../contract/task.js';
import { FUNCTION_FIELDS, type PlanData, type TaskData } from './plan.js';
import { asData } from './task.js';
import { fromData } from './value.js';

/**
 * The ids of tasks whose functions are missing in the data, with the names of those fields.
 *
 * @param isDone Whether a task is complete, so that it needs none.
 */
export function incompleteTasks(
  tasks: readonly TaskData[],
  isDone: (id: string) => boolean,
): [id: string, fields: string[]][] {
  return tasks.flatMap((task) => {
    if (isDone(task.id)) return [];
    const fields = Object.keys(task).filter((field) => isIncomplete(field, task[field] as Json));
    const inner = incompleteTasks((task.subtasks ?? []) as readonly TaskData[], isDone);
    return fields.length === 0 ? inner : [[task.id, fields], ...inner];
  });
}

function isIncomplete(field: string, value: Json): boolean {
  // The JSON Schema is data, but the function that validates is not. Values of headers are not stored.
  if (field === 'outputSchema' || field === 'headers') return true;
  if (!FUNCTION_FIELDS.includes(field)) return false;
  return isMark(value) || isMark((value as { items?: Json })?.items);
}

function isMark(value: Json | undefined): boolean {
  return typeof value === 'object' && value !== null && (value as { $?: Json }).$ === 'function';
}

/** Replaces a function in a plan that is only read. */
function notRecorded(): never {
  throw new TypeError('a function is not recorded; give the plan again');
}

/** Decodes a recorded plan for reading: its functions and schemas throw when they are called. */
export function planFromData({ tasks, inputs, ...settings }: PlanData): Plan {
  return {
    ...(reviveAll(settings) as Omit<Plan, 'tasks'>),
    ...(inputs !== undefined && { inputs: recordedInputs(inputs as PlanInputRecord) }),
    tasks: asData(tasksFromData(tasks)),
  };
}

/** The values of a recorded run were validated when it began. */
function recordedInputs(inputs: PlanInputRecord): StandardSchema {
  return inputsSchema(inputs, (value) => ({ value }));
}

export function tasksFromData(tasks: readonly TaskData[]): Task[] {
  return tasks.map((data) => {
    const task = reviveAll(data);
    const { outputSchema, subtasks, forEach } = data;
    if (outputSchema !== undefined) task.outputSchema = schemaFromData(outputSchema);
    if (subtasks !== undefined) task.subtasks = tasksFromData(subtasks as readonly TaskData[]);
    if (isMark((forEach as { items?: Json } | undefined)?.items)) {
      task.forEach = { ...(task.forEach as object), items: notRecorded };
    }
    return task as unknown as Task;
  });
}

function reviveAll(data: { readonly [field: string]: Json }): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(data)) {
    const isLeft = field === 'outputSchema' || field === 'subtasks' || field === 'forEach';
    fields[field] = isMark(value) ? notRecorded : isLeft ? value : fromData(value);
  }
  return fields;
}

function schemaFromData(json: Json): object {
  const { $: mark } = json as { $?: Json };
  const standard = {
    version: 1,
    vendor: 'stratagem',
    validate: notRecorded,
    ...(mark !== 'schema' && { jsonSchema: { output: () => json } }),
  };
  return Object.defineProperty({ ...(json as object) }, '~standard', { value: standard });
}
