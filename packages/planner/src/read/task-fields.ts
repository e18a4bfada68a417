import type { PlannerSettings } from '../options/planner-options.js';
import type { AnswerPath, AnswerReport } from './answer-report.js';
import {
  directionOf,
  isBookkeeping,
  isForbidden,
  isLink,
  isOrder,
  isPlainDependency,
  NAMES,
  type TaskField,
} from './field-names.js';
import {
  isEmpty,
  isJsonObject,
  type JsonObject,
  normalizeKey,
  quoteName,
  shortName,
} from './json-value.js';
import { REPAIRS } from './repairs.js';

export type NamedValue = readonly [name: string, value: unknown];

/** The values of a task, sorted by field. */
export interface TaskFields {
  readonly known: ReadonlyMap<TaskField, unknown>;
  /** Other ids of the task, such as its number beside an id of words. */
  readonly aliases: readonly unknown[];
  /** Whether the task has a field for dependencies, even an empty one. */
  readonly statesDependencies: boolean;
  /** Texts under the other names of a description. */
  readonly moreTexts: readonly NamedValue[];
  /** Fields that may name other tasks, or add to the work. */
  readonly others: readonly NamedValue[];
  /** Fields that place the task in an order or a group. */
  readonly orders: readonly NamedValue[];
}

/** Sorts the values of a task by field, and reports renamed, merged and ignored fields. */
export function readTaskFields(
  task: JsonObject,
  path: AnswerPath,
  settings: PlannerSettings,
  report: AnswerReport,
): TaskFields {
  const given = new Map<TaskField, NamedValue[]>();
  const others: NamedValue[] = [];
  const orders: NamedValue[] = [];
  let statesDependencies = false;
  for (const [name, value] of entriesOf(task, settings)) {
    const key = normalizeKey(name);
    const field = fieldOf(key, value);
    statesDependencies ||= field === 'dependencies';
    if (isEmpty(value)) continue;
    if (field !== undefined) given.set(field, [...(given.get(field) ?? []), [name, value]]);
    else if (isForbidden(key)) reportForbidden(name, path, report);
    else if (isOrder(key)) orders.push([name, value]);
    else if (isBookkeeping(key, value) && !mayLink(key, value)) {
      report.addRepair(REPAIRS.fieldIgnored(quoteName(name)));
    } else others.push([name, value]);
  }
  const known = new Map<TaskField, unknown>();
  const aliases: unknown[] = [];
  const moreTexts: NamedValue[] = [];
  for (const [field, values] of given) {
    const [preferred, ...rest] = byRank(field, values) as [NamedValue, ...NamedValue[]];
    const [name, value] = preferred;
    if (name !== field && field !== 'title') {
      report.addRepair(REPAIRS.fieldRenamed(quoteName(name), field));
    }
    if (field === 'id') aliases.push(...rest.map(([, other]) => other));
    if (field === 'description' || field === 'title') moreTexts.push(...rest);
    if (field === 'type' || field === 'model') others.push(...rest);
    known.set(field, mergeLists(field, value, rest, report));
  }
  return { known, aliases, statesDependencies, moreTexts, others, orders };
}

/** Treats `metadata: { model }`, the form that plans have, like a `model` field. */
function entriesOf(task: JsonObject, settings: PlannerSettings): NamedValue[] {
  return Object.entries(task).map(([name, value]): NamedValue => {
    const isChoice = name === 'metadata' && Object.keys(settings.models).length > 0;
    if (!isChoice || !isJsonObject(value) || Object.keys(value).join() !== 'model') {
      return [name, value];
    }
    return ['model', value.model];
  });
}

/** The field that a name stands for. The meaning of some names depends on the value. */
function fieldOf(key: string, value: unknown): TaskField | undefined {
  const isShort = typeof value === 'number' || (typeof value === 'string' && value.length <= 20);
  if (key === 'step' && !isShort) return typeof value === 'string' ? 'description' : undefined;
  if (key === 'steps' && isListOfStrings(value)) return undefined;
  const fields = Object.keys(NAMES) as TaskField[];
  const field = fields.find((each) => NAMES[each].includes(key));
  if (field !== undefined) return field;
  // `required: true` says that a task is not optional.
  return isPlainDependency(key) && typeof value !== 'boolean' ? 'dependencies' : undefined;
}

/** `blocking: true` says nothing about other tasks; `blocking: "b"` does. */
function mayLink(key: string, value: unknown): boolean {
  return typeof value !== 'boolean' && isLink(key);
}

function reportForbidden(name: string, path: AnswerPath, report: AnswerReport): void {
  const message =
    'is not allowed in a plan: a model does each task once, after its dependencies; put all ' +
    'instructions into the description';
  report.addProblem('forbidden_field', [...path, shortName(name)], message);
}

function byRank(field: TaskField, values: readonly NamedValue[]): NamedValue[] {
  const rank = ([name]: NamedValue) => {
    const at = NAMES[field].indexOf(normalizeKey(name));
    return at === -1 ? NAMES[field].length : at;
  };
  return [...values].sort((one, other) => rank(one) - rank(other));
}

/** Combines the lists of one field; no dependency, subtask or tool is lost. */
function mergeLists(
  field: TaskField,
  value: unknown,
  rest: readonly NamedValue[],
  report: AnswerReport,
): unknown {
  if (rest.length === 0) return value;
  if (field === 'dependencies' || field === 'subtasks' || field === 'tools') {
    for (const [name] of rest) {
      report.addRepair(REPAIRS.fieldAdded(quoteName(name), field));
    }
    return [value, ...rest.map(([, other]) => other)].flatMap(toList);
  }
  return value;
}

function toList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function isListOfStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

/** Whether a field makes its task depend on the tasks that its value names. */
export function isDependencyIfTasks(name: string): boolean {
  return directionOf(normalizeKey(name)) === 'dependencies if tasks';
}
