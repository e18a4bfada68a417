import { NAMES } from './field-names.js';
import { isEmpty, isJsonObject, type JsonObject, normalizeKey, quoteName } from './json-value.js';
import { REPAIRS } from './repairs.js';
import { statedOrder } from './stated-order.js';
import type { NamedValue } from './task-fields.js';

/** A list of tasks as the model wrote it. */
export interface FoundTaskList {
  readonly list: readonly unknown[];
  /** The repairs that finding it took, in plain sentences. */
  readonly repairs: readonly string[];
  /** The object that contained the list, merged with the objects around that one. */
  readonly around?: JsonObject | undefined;
  /** The fields beside the list, and beside the objects that wrap it. */
  readonly beside?: readonly NamedValue[] | undefined;
  /** Why the list is ambiguous, if it is. */
  readonly unclear?: string | undefined;
}

/** Names that models use for a list of tasks. */
const LISTS = [
  ...['tasks', 'subtasks', 'steps', 'tasklist', 'tasknodes', 'plansteps', 'nodes', 'actions'],
  ...['todos', 'items'],
];
/** Names that models use for a plan. */
const PLANS = ['plan', 'executionplan', 'taskplan', 'workflow', 'decomposition'];
/** Names of the fields in which models wrap a plan. */
const WRAPPERS = [
  ...[...PLANS, 'answer', 'result', 'response', 'output', 'data', 'json', 'final'],
  ...['arguments', 'parameters', 'input', 'properties'],
];
/** A task on its own has a field of each of these two kinds. */
const TASK_FIELDS = [...NAMES.id, ...NAMES.title, 'task'];
const TEXT_FIELDS = [
  ...['description', 'desc', 'taskdescription', 'stepdescription', 'prompt', 'instruction'],
  ...['instructions', 'task', 'details', 'content', 'action', 'objective', 'text'],
];
const PLAN_FIELDS = ['tasks', 'goal'];

const MAX_WRAPPERS = 5;
const BARE_LIST = REPAIRS.bareList();

/** Whether a value is a single task rather than a plan. */
export function isTask(value: unknown): value is JsonObject {
  if (!isJsonObject(value)) return false;
  const names = Object.keys(value).map(normalizeKey);
  return (
    names.some((name) => TEXT_FIELDS.includes(name)) &&
    names.some((name) => TASK_FIELDS.includes(name)) &&
    !names.some((name) => name !== 'subtasks' && LISTS.includes(name)) &&
    !Object.entries(value).some(([key, inner]) => isPlanField(key, inner))
  );
}

function isPlanField(key: string, value: unknown): boolean {
  if (!PLANS.includes(normalizeKey(key)) || typeof value !== 'object') return false;
  return findTaskList(value, MAX_WRAPPERS - 1) !== undefined;
}

/** The list of tasks in a value, through any wrappers; undefined when there is none. */
export function findTaskList(value: unknown, depth = 0): FoundTaskList | undefined {
  if (depth > MAX_WRAPPERS) return undefined;
  if (typeof value === 'string') return findInText(value, depth);
  if (Array.isArray(value)) return findInArray(value, depth);
  if (!isJsonObject(value) || isTask(value)) return undefined;
  const entries = Object.entries(value);
  for (const names of [LISTS, WRAPPERS]) {
    const candidates = entries.flatMap(([key, inner]) => {
      const isNamed = names.includes(normalizeKey(key));
      const found = isNamed && findInField(inner, depth, names === LISTS);
      return found ? [{ key, found }] : [];
    });
    const best = candidates.find(({ found }) => found.list.length > 0) ?? candidates[0];
    if (best !== undefined) return withSiblingFields(value, best.key, best.found, depth);
  }
  return tasksById(value) ?? findUnderUnknownName(value, depth);
}

/** Considers the fields beside the list: rival lists, and fields that may state an order. */
function withSiblingFields(
  value: JsonObject,
  key: string,
  found: FoundTaskList,
  depth: number,
): FoundTaskList {
  const others = Object.entries(value).filter(
    ([name, inner]) => name !== key && !PLAN_FIELDS.includes(name) && !isEmpty(inner),
  );
  const isRival = ([name, inner]: [string, unknown]) => {
    if (statedOrder([name, inner]) !== undefined) return false;
    const list = findTaskList(inner, depth + 1)?.list ?? [];
    return list.length > 0 && JSON.stringify(list) !== JSON.stringify(found.list);
  };
  const rival = others.find(isRival);
  if (rival !== undefined) {
    const unclear = `there are tasks in "${key}" and in "${rival[0]}"; put all tasks into "tasks"`;
    return { ...found, unclear };
  }
  const source = Array.isArray(value[key])
    ? REPAIRS.listRenamed(quoteName(key))
    : REPAIRS.planUnwrapped(quoteName(key));
  return {
    ...found,
    around: { ...value, ...found.around },
    beside: [...(found.beside ?? []), ...others],
    repairs: [
      ...(key === 'tasks' ? [] : [source]),
      ...found.repairs.filter((repair) => repair !== BARE_LIST),
    ],
  };
}

function findInField(value: unknown, depth: number, isList: boolean): FoundTaskList | undefined {
  if (!isList) return findTaskList(value, depth + 1);
  if (Array.isArray(value)) return { list: value, repairs: [] };
  if (typeof value === 'string') return findInText(value, depth + 1);
  return isJsonObject(value) ? tasksById(value) : undefined;
}

function findInArray(value: readonly unknown[], depth: number): FoundTaskList | undefined {
  const [first] = value;
  const isWrappedPlan = value.length === 1 && isJsonObject(first) && !isTask(first);
  if (isWrappedPlan) return findTaskList(first, depth + 1);
  if (!value.some(isTask)) return undefined;
  return { list: value, repairs: [BARE_LIST] };
}

/** Finds JSON inside a JSON string. */
function findInText(text: string, depth: number): FoundTaskList | undefined {
  if (!/^\s*[{[]/.test(text)) return undefined;
  try {
    const found = findTaskList(JSON.parse(text), depth + 1);
    const repair = REPAIRS.jsonInString();
    return found && { ...found, repairs: [...found.repairs, repair] };
  } catch {
    return undefined;
  }
}

/** `{ "research": { "description": … }, "report": { … } }` */
function tasksById(value: JsonObject): FoundTaskList | undefined {
  const entries = Object.entries(value);
  if (entries.length === 0 || !entries.every(([, task]) => hasTextField(task))) return undefined;
  return {
    list: entries.map(([id, task]) => Object.fromEntries([['id', id], ...entriesWithoutId(task)])),
    repairs: [REPAIRS.keysAsIds()],
  };
}

function hasTextField(task: unknown): boolean {
  if (!isJsonObject(task)) return false;
  return Object.keys(task).some((key) => TEXT_FIELDS.includes(normalizeKey(key)));
}

function entriesWithoutId(task: unknown): [string, unknown][] {
  return Object.entries(task as JsonObject).filter(([key]) => normalizeKey(key) !== 'id');
}

/** Finds a plan or list in a field whose name the model invented. */
function findUnderUnknownName(value: JsonObject, depth: number): FoundTaskList | undefined {
  for (const [key, inner] of Object.entries(value)) {
    const found = typeof inner === 'object' ? findTaskList(inner, depth + 1) : undefined;
    if (found !== undefined) return withSiblingFields(value, key, found, depth);
  }
  return undefined;
}
