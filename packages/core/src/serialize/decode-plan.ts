import { restoreBytes } from '../contract/attached-bytes.js';
import type { Attachment } from '../contract/attachment.js';
import type { Json } from '../contract/journal.js';
import type { Plan } from '../contract/plan.js';
import { inputsSchema, type PlanInputRecord } from '../contract/plan-inputs.js';
import type { StandardSchema } from '../contract/schema.js';
import type { Task } from '../contract/task.js';
import { fromBase64 } from '../util/base64.js';
import {
  ATTACHED,
  type AttachedData,
  INNER_FUNCTIONS,
  type PlanData,
  subtasksIn,
  type TaskData,
} from './plan.js';
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
    const inner = incompleteTasks(subtasksIn(task), isDone);
    return fields.length === 0 ? inner : [[task.id, fields], ...inner];
  });
}

function isIncomplete(field: string, value: Json): boolean {
  // The JSON Schema is data, but the function that validates is not. Values of headers are not stored.
  if (field === 'outputSchema' || field === 'headers') return true;
  if (field === 'plan') return (value as { readonly inputs?: Json }).inputs !== undefined;
  return isMark(value) || innerMarks(field, value).length > 0;
}

function isMark(value: Json | undefined): boolean {
  return typeof value === 'object' && value !== null && (value as { $?: Json }).$ === 'function';
}

/** The parts of a field that are functions or streams. */
function innerMarks(field: string, value: Json | undefined): [inner: string, mark: Json][] {
  return INNER_FUNCTIONS.flatMap(([owner, inner]) => {
    const mark = owner === field ? (Object(value) as { [name: string]: Json })[inner] : undefined;
    return mark !== undefined && isMark(mark) ? [[inner, mark]] : [];
  });
}

/** Replaces a function in a plan that is only read. */
function notRecorded(): never {
  throw new TypeError('a function is not recorded; give the plan again');
}

function placeholderOf(mark: Json): unknown {
  const { name } = mark as { readonly name?: Json };
  return name === undefined ? notRecorded : { name, open: notRecorded };
}

/** Decodes a recorded plan for reading: its functions and schemas throw when they are called. */
export function planFromData(data: PlanData): Plan {
  const { [ATTACHED]: attached, ...rest } = data;
  const { tasks, ...plan } = decodePlan(rest as PlanData, attached as AttachedData | undefined);
  return { ...plan, tasks: asData(tasks) };
}

function decodePlan(
  { tasks, inputs, ...settings }: PlanData,
  attached: AttachedData | undefined,
): Plan {
  return {
    ...(reviveAll(settings) as Omit<Plan, 'tasks'>),
    ...(inputs !== undefined && { inputs: recordedInputs(inputs as PlanInputRecord) }),
    tasks: tasksFromData(tasks, attached),
  };
}

/** The values of a recorded run were validated when it began; those of a module get its defaults again. */
function recordedInputs(inputs: PlanInputRecord): StandardSchema {
  const defaults = Object.entries(inputs).flatMap(([name, input]) =>
    'default' in input ? [[name, input.default] as const] : [],
  );
  return inputsSchema(inputs, (value) => ({
    value: { ...Object.fromEntries(defaults), ...(value as object) },
  }));
}

/** @param attached The bytes that the tasks attach; left out where nobody needs them. */
export function tasksFromData(tasks: readonly TaskData[], attached?: AttachedData): Task[] {
  return tasks.map((data) => {
    const task = reviveAll(data);
    const { outputSchema, subtasks, plan, attachments } = data;
    if (outputSchema !== undefined) task.outputSchema = schemaFromData(outputSchema);
    if (subtasks !== undefined) {
      task.subtasks = tasksFromData(subtasks as readonly TaskData[], attached);
    }
    if (attachments !== undefined) {
      const list = task.attachments as readonly (string | Attachment)[];
      task.attachments = list.map((each) => withBytes(each, attached));
    }
    if (plan !== undefined) task.plan = decodePlan(plan as PlanData, attached);
    for (const field of ['forEach', 'repeat']) {
      for (const [inner, mark] of innerMarks(field, data[field])) {
        task[field] = { ...(task[field] as object), [inner]: placeholderOf(mark) };
      }
    }
    return task as unknown as Task;
  });
}

function withBytes(
  recorded: string | Attachment,
  attached: AttachedData | undefined,
): string | Attachment {
  const { sha256 = '' } = Object(recorded) as Attachment;
  const text = attached?.[sha256];
  return text === undefined ? recorded : restoreBytes(Object(recorded), fromBase64(text));
}

/** Fields that are decoded by themselves. */
const LEFT = ['outputSchema', 'subtasks', 'forEach', 'repeat', 'plan'];

function reviveAll(data: { readonly [field: string]: Json }): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(data)) {
    const isLeft = LEFT.includes(field);
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
