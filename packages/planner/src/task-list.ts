import { asText } from './notes.js';

/** A JSON object. */
export type Json = Readonly<Record<string, unknown>>;

/** A list of tasks as the model wrote it, and how it was found. */
export interface FoundList {
  readonly list: readonly unknown[];
  /** What has to be said about it, in plain sentences. */
  readonly notes: readonly string[];
  /** What about it cannot be understood. */
  readonly unclear?: string;
}

/** What models call a list of tasks. */
const LISTS = ['tasks', 'subtasks', 'steps', 'tasklist', 'nodes', 'actions', 'todos', 'items'];
/** What they call a plan. */
const PLANS = ['plan', 'executionplan', 'taskplan', 'workflow', 'decomposition'];
/** What they put a plan into. */
const WRAPPERS = [
  ...PLANS,
  'answer',
  'result',
  'response',
  'output',
  'data',
  'json',
  'final',
  'arguments',
  'parameters',
  'input',
  'properties',
];
/** What makes an object a task when it stands alone. */
const TASK_FIELDS = ['id', 'taskid', 'stepid', 'step', 'name', 'title', 'task'];
const TEXT_FIELDS = ['description', 'prompt', 'instruction', 'instructions', 'task', 'details'];
const EXPECTED = ['tasks', 'goal'];

const MAX_WRAPPERS = 5;

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A field's name without what models vary: `depends_on`, `dependsOn`, `Depends On`. */
export function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** Whether an object is one task rather than a plan. */
export function isTask(value: unknown): value is Json {
  if (!isJson(value)) return false;
  const names = Object.keys(value).map(plain);
  return (
    names.some((name) => TEXT_FIELDS.includes(name)) &&
    names.some((name) => TASK_FIELDS.includes(name)) &&
    !names.some((name) => name !== 'subtasks' && LISTS.includes(name)) &&
    !Object.entries(value).some(([key, inner]) => PLANS.includes(plain(key)) && isListed(inner))
  );
}

function isListed(value: unknown): boolean {
  return typeof value === 'object' && findList(value, MAX_WRAPPERS - 1) !== undefined;
}

/** The list of tasks in a value, whatever it is wrapped into; undefined when there is none. */
export function findList(value: unknown, depth = 0): FoundList | undefined {
  if (depth > MAX_WRAPPERS) return undefined;
  if (typeof value === 'string') return findInText(value, depth);
  if (Array.isArray(value)) return findInArray(value, depth);
  if (!isJson(value) || isTask(value)) return undefined;
  const entries = Object.entries(value);
  for (const [names, note] of [
    [LISTS, (key: string) => `"${key}" was read as the list of tasks.`],
    [WRAPPERS, (key: string) => `The plan was taken out of "${key}".`],
  ] as const) {
    for (const [key, inner] of entries) {
      if (!names.includes(plain(key))) continue;
      const found = findInner(inner, depth, names === LISTS);
      if (found === undefined) continue;
      const notes = key === 'tasks' ? [] : [note(key)];
      return withEdges(value, {
        list: found.list,
        notes: [...notes, ...found.notes, ...leftOut(value, key)],
      });
    }
  }
  return byId(value) ?? onlyList(entries);
}

function findInner(value: unknown, depth: number, isList: boolean): FoundList | undefined {
  if (!isList) return findList(value, depth + 1);
  if (Array.isArray(value)) return { list: value, notes: [] };
  if (typeof value === 'string') return findInText(value, depth + 1);
  return isJson(value) ? byId(value) : undefined;
}

/** A list is one of tasks when there is an object in it, or when it is empty. */
function findInArray(value: readonly unknown[], depth: number): FoundList | undefined {
  const [only] = value;
  // A plan that stands alone in a list.
  if (value.length === 1 && isJson(only) && !isTask(only)) return findList(only, depth + 1);
  if (!value.some(isTask)) return undefined;
  return { list: value, notes: ['The list of tasks stood alone, without an object around it.'] };
}

/** JSON that was written into a string of JSON. */
function findInText(text: string, depth: number): FoundList | undefined {
  if (!/^\s*[{[]/.test(text)) return undefined;
  try {
    const found = findList(JSON.parse(text), depth + 1);
    return found && { ...found, notes: [...found.notes, 'The plan was JSON inside of a string.'] };
  } catch {
    return undefined;
  }
}

/** `{ "research": { "description": … }, "report": { … } }` */
function byId(value: Json): FoundList | undefined {
  const entries = Object.entries(value);
  const hasText = (task: unknown) =>
    isJson(task) && Object.keys(task).some((key) => TEXT_FIELDS.includes(plain(key)));
  if (entries.length === 0 || !entries.every(([, task]) => hasText(task))) return undefined;
  return {
    list: entries.map(([id, task]) => Object.fromEntries([['id', id], ...fields(task)])),
    notes: ['The names of the tasks were taken as their ids.'],
  };
}

function fields(task: unknown): [string, unknown][] {
  return Object.entries(task as Json).filter(([key]) => plain(key) !== 'id');
}

/** A list under a name of the model's own. */
function onlyList(entries: readonly [string, unknown][]): FoundList | undefined {
  const lists = entries.filter(([, list]) => Array.isArray(list) && list.some(isTask));
  if (lists.length !== 1) return undefined;
  const [key, list] = lists[0] as [string, unknown[]];
  return { list, notes: [`"${key}" was read as the list of tasks.`] };
}

/** `edges: [{ from: "research", to: "report" }]` beside the tasks says what depends on what. */
function withEdges(value: Json, found: FoundList): FoundList {
  const edges = value.edges ?? value.links;
  if (isEmpty(edges)) return found;
  const unclear = 'its edges cannot be read; say in "dependencies" of each task what it needs';
  if (!Array.isArray(edges)) return { ...found, unclear };
  const needs = new Map<unknown, unknown[]>(
    found.list.filter(isJson).map(({ id }) => [asText(id), []]),
  );
  for (const edge of edges) {
    const [from, to] = endsOf(edge);
    const needed = needs.get(asText(to));
    if (needed === undefined || isEmpty(from)) return { ...found, unclear };
    needed.push(from);
  }
  const list = found.list.map((task) => {
    if (!isJson(task)) return task;
    const own = Array.isArray(task.dependencies) ? task.dependencies : [];
    return { ...task, dependencies: [...own, ...(needs.get(asText(task.id)) ?? [])] };
  });
  return { list, notes: [...found.notes, 'The edges of the graph were read as dependencies.'] };
}

function endsOf(edge: unknown): readonly [unknown, unknown] | readonly [] {
  if (Array.isArray(edge)) return [edge[0], edge[1]];
  if (!isJson(edge)) return [];
  return [edge.from ?? edge.source, edge.to ?? edge.target];
}

/** What else a plan had. */
function leftOut(value: Json, listKey: string): string[] {
  return Object.entries(value)
    .filter(([key, inner]) => key !== listKey && !EXPECTED.includes(key) && !isEmpty(inner))
    .filter(([key]) => key !== 'edges' && key !== 'links')
    .map(([key]) => `"${key}" of the plan was left out.`);
}

/** Nothing, in one of the ways in which models write it. */
export function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === '' || value === false) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
