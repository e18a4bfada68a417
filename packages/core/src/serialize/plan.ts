import { bytesOf } from '../contract/attached-bytes.js';
import type { ItemStream } from '../contract/for-each.js';
import type { Json } from '../contract/journal.js';
import { subtasksOf } from '../contract/module.js';
import type { Plan } from '../contract/plan.js';
import { PlanError, type PlanProblem } from '../contract/plan-error.js';
import { inputRecordOf } from '../contract/plan-inputs.js';
import { jsonSchemaOf } from '../contract/schema.js';
import { isTemplate, type ModulePlan, type Task, type Tool } from '../contract/task.js';
import { toBase64 } from '../util/base64.js';
import type { PlanPath } from '../validate/checks.js';
import { toData, UnstorableError } from './value.js';

/** A task as a journal stores it. */
export type TaskData = { readonly id: string } & { readonly [field: string]: Json };

/** A plan as a journal stores it. */
export type PlanData = { readonly goal: string; readonly tasks: readonly TaskData[] } & {
  readonly [setting: string]: Json;
};

/** Replaces a function, which cannot be stored. */
const FUNCTION: Json = { $: 'function' };
/** Replaces a schema without a JSON Schema. */
const SCHEMA: Json = { $: 'schema' };

/** Fields that may be functions. */
const FUNCTION_FIELDS = ['run', 'prompt', 'when', 'forEach', 'args', 'with'];
/** Fields that may be objects with a function. A stream is one: its name is stored with the mark. */
export const INNER_FUNCTIONS: readonly (readonly [field: string, inner: string])[] = [
  ['forEach', 'items'],
  ['forEach', 'stream'],
  ['repeat', 'until'],
];

/**
 * Encodes a plan. Functions and schemas that JSON cannot represent are only marked: resuming a run
 * with such tasks needs the plan again.
 *
 * @throws {PlanError} with each other value that cannot be stored.
 */
export function planToData(plan: Plan): PlanData {
  const problems: PlanProblem[] = [];
  const data = encodePlan(plan, problems, []);
  if (problems.length > 0) throw new PlanError(problems);
  return { ...data, ...attachedData(plan.tasks) };
}

function encodePlan(plan: ModulePlan, problems: PlanProblem[], path: PlanPath): PlanData {
  const { goal, tasks, inputs, ...settings } = plan;
  const data: Record<string, Json> = {
    goal,
    tasks: tasksToData(tasks, problems, [...path, 'tasks']),
  };
  if (inputs !== undefined)
    data.inputs = keep(inputRecordOf(inputs), [...path, 'inputs'], problems);
  for (const [name, value] of Object.entries(settings)) {
    if (value !== undefined) data[name] = keep(value, [...path, name], problems);
  }
  return data as PlanData;
}

/** The bytes that tasks attach, in base64 by their hash: those that several tasks attach are there once. */
export function attachedData(tasks: readonly Task[]): { readonly [ATTACHED]?: AttachedData } {
  const contents: Record<string, string> = {};
  const visit = (list: readonly Task[]) => {
    for (const { attachments, subtasks, plan } of list) {
      for (const each of attachments ?? []) {
        const bytes = typeof each === 'string' ? undefined : bytesOf(each);
        const { sha256 = '' } = Object(each) as { sha256?: string };
        if (bytes !== undefined) contents[sha256] ??= toBase64(bytes);
      }
      if (subtasks !== undefined) visit(subtasks);
      if (plan !== undefined) visit(plan.tasks);
    }
  };
  visit(tasks);
  return Object.keys(contents).length === 0 ? {} : { [ATTACHED]: contents };
}

/** The field of a recorded plan, or of added tasks, with the bytes that tasks attach. */
export const ATTACHED = '$attached';
export type AttachedData = Readonly<Record<string, string>>;

/**
 * Encodes tasks that are added.
 *
 * @param problems Values that cannot be stored are reported here.
 */
export function tasksToData(
  tasks: readonly Task[],
  problems: PlanProblem[],
  path: PlanPath = ['tasks'],
): TaskData[] {
  // A plain array: these lists have a `toJSON` method of their own.
  return Array.from(tasks, (task, index) => taskToData(task, problems, () => [...path, index]));
}

function taskToData(task: Task, problems: PlanProblem[], pathOf: () => PlanPath): TaskData {
  const data: Record<string, Json> = {};
  for (const field of Object.keys(task)) {
    const value: unknown = task[field as keyof Task];
    if (value === undefined) continue;
    if (typeof value === 'string') data[field] = value;
    else if (field === 'run' && typeof value === 'function') data[field] = FUNCTION;
    else data[field] = fieldToData(field, value, problems, [...pathOf(), field]);
  }
  return data as TaskData;
}

function fieldToData(field: string, value: unknown, problems: PlanProblem[], path: PlanPath): Json {
  switch (field) {
    case 'outputSchema':
      return (jsonSchemaOf(value as NonNullable<Task['outputSchema']>) as Json) ?? SCHEMA;
    case 'tools':
      return (value as NonNullable<Task['tools']>).map((tool) =>
        typeof tool === 'string' ? tool : tool.name,
      );
    case 'tool':
      return (value as Tool).name;
    case 'subtasks':
      return tasksToData(value as readonly Task[], problems, path);
    case 'plan':
      return encodePlan(value as ModulePlan, problems, path);
  }
  if (FUNCTION_FIELDS.includes(field) && typeof value === 'function') return FUNCTION;
  for (const [owner, inner] of INNER_FUNCTIONS) {
    if (owner !== field) continue;
    const { [inner]: given, ...settings } = value as Readonly<Record<string, unknown>>;
    const mark = functionData(given);
    if (mark !== undefined) return { ...(keep(settings, path, problems) as object), [inner]: mark };
  }
  return keep(value, path, problems);
}

/** The mark for a function or a stream; undefined for data. */
function functionData(given: unknown): Json | undefined {
  if (typeof given === 'function') return FUNCTION;
  const { name, open } = Object(given) as Partial<ItemStream>;
  return typeof open === 'function' ? { ...(FUNCTION as object), name: `${name}` } : undefined;
}

function keep(value: unknown, path: PlanPath, problems: PlanProblem[]): Json {
  try {
    return toData(value);
  } catch (error) {
    if (!(error instanceof UnstorableError)) throw error;
    const message = `cannot be stored in a journal: ${error.message}`;
    problems.push({ code: 'invalid_value', path, message });
    return null;
  }
}

/** The number of tasks and subtasks; those of fan-outs and loops are templates and do not count. */
export function countTasks(tasks: readonly Task[]): number {
  let count = tasks.length;
  for (const task of tasks) {
    const subtasks = isTemplate(task) ? undefined : subtasksOf(task);
    if (subtasks !== undefined) count += countTasks(subtasks);
  }
  return count;
}

/** The subtasks of an encoded task: those of a module with the ids that they have in the graph. */
export function subtasksIn(task: TaskData): readonly TaskData[] {
  return (subtasksOf(task as unknown as Task) ?? []) as unknown as readonly TaskData[];
}
