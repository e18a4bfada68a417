import type { PlannerSettings } from '../options/planner-options.js';
import { truncate } from '../util/text.js';
import type { AnswerPath, AnswerReport } from './answer-report.js';
import { isEmpty, isJsonObject, type JsonObject, normalizeKey } from './json-value.js';

export type TaskField =
  | 'id'
  | 'title'
  | 'description'
  | 'type'
  | 'dependencies'
  | 'subtasks'
  | 'tools'
  | 'model';

/** Normalized names that models use for each field, the preferred one first. */
const NAMES: Readonly<Record<TaskField, readonly string[]>> = {
  id: ['id', 'taskid', 'stepid', 'identifier', 'key', 'number', 'tasknumber', 'stepnumber', 'step'],
  title: ['title', 'name', 'label', 'taskname'],
  description: [
    ...['description', 'desc', 'prompt', 'instruction', 'instructions', 'task', 'details'],
    ...['detail', 'objective', 'content', 'text', 'query', 'summary', 'goal', 'action'],
  ],
  type: ['type', 'tasktype', 'kind', 'category'],
  dependencies: [
    ...['dependencies', 'dependson', 'dependency', 'depends', 'deps', 'requires', 'required'],
    ...['prerequisites', 'prerequisite', 'prereqs', 'needs', 'after', 'blockedby', 'predecessors'],
    ...['dependenton', 'upstream', 'waitson'],
  ],
  subtasks: ['subtasks', 'children', 'substeps', 'steps', 'tasks', 'childtasks'],
  tools: ['tools', 'tool', 'toolnames', 'toolname'],
  model: ['model', 'modelname'],
};

/** Names whose text adds to a description that is given under another name. */
const DETAILS = ['prompt', 'instruction', 'instructions', 'details', 'detail', 'query', 'content'];

/** Fields that change how a plan runs, so that they cannot be ignored. */
const FORBIDDEN = ['run', 'when', 'foreach', 'waitfor', 'outputschema', 'condition', 'loop', 'if'];

type NamedValue = readonly [name: string, value: unknown];

/** Sorts the values of a task by field, and reports renamed, merged and ignored fields. */
export function readTaskFields(
  task: JsonObject,
  path: AnswerPath,
  settings: PlannerSettings,
  report: AnswerReport,
): Map<TaskField, unknown> {
  const given = new Map<TaskField, NamedValue[]>();
  for (const [name, value] of entriesOf(task, settings)) {
    if (isEmpty(value)) continue;
    const field = fieldOf(normalizeKey(name), value);
    if (field === undefined) reportUnknownField(name, path, report);
    else given.set(field, [...(given.get(field) ?? []), [name, value]]);
  }
  const fields = new Map<TaskField, unknown>();
  for (const [field, values] of given) fields.set(field, merge(field, values, report));
  if (fields.has('title') && fields.has('id') && fields.has('description')) {
    report.addRepair('Task titles were ignored in favour of descriptions.');
  }
  return fields;
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

/** The field that a name stands for. The meaning of `step` and `steps` depends on the value. */
function fieldOf(key: string, value: unknown): TaskField | undefined {
  const isShort = typeof value === 'number' || (typeof value === 'string' && value.length <= 20);
  if (key === 'step' && !isShort) return typeof value === 'string' ? 'description' : undefined;
  if (key === 'steps' && isListOfStrings(value)) return undefined;
  const fields = Object.keys(NAMES) as TaskField[];
  return fields.find((field) => NAMES[field].includes(key));
}

function reportUnknownField(name: string, path: AnswerPath, report: AnswerReport): void {
  if (!FORBIDDEN.includes(normalizeKey(name))) {
    report.addRepair(`The unknown task field "${shortName(name)}" was ignored.`);
    return;
  }
  const message =
    'is not allowed in a plan: a model does each task once, after its dependencies; put all ' +
    'instructions into the description';
  report.addProblem('forbidden_field', [...path, shortName(name)], message);
}

function merge(field: TaskField, values: NamedValue[], report: AnswerReport): unknown {
  const rank = ([name]: NamedValue) => NAMES[field].indexOf(normalizeKey(name));
  const [preferred, ...others] = values.sort((one, other) => rank(one) - rank(other));
  const [name, value] = preferred as NamedValue;
  if (name !== field && field !== 'title') {
    report.addRepair(`"${shortName(name)}" was read as "${field}".`);
  }
  return others.reduce((all, other) => mergeTwo(field, all, other, report), value);
}

/** Combines two values of one field; no instruction, dependency, subtask or tool is lost. */
function mergeTwo(
  field: TaskField,
  first: unknown,
  [name, second]: NamedValue,
  report: AnswerReport,
): unknown {
  const isDetail = DETAILS.includes(normalizeKey(name)) && typeof second === 'string';
  const added = `"${shortName(name)}" was added to "${field}".`;
  if (field === 'description' && isDetail && typeof first === 'string') {
    if (first.includes(second.trim())) return first;
    report.addRepair(added);
    return `${first}\n\n${second}`;
  }
  if (field === 'dependencies' || field === 'subtasks' || field === 'tools') {
    report.addRepair(added);
    return [...toList(first), ...toList(second)];
  }
  report.addRepair(`"${shortName(name)}" was ignored in favour of "${field}".`);
  return first;
}

/** Field names come from the answer, and may have any length. */
function shortName(name: string): string {
  return truncate(name, 40);
}

function toList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function isListOfStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}
