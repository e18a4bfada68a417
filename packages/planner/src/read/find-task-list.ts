import { asText } from './answer-report.js';

/** A JSON object. */
export type Json = Readonly<Record<string, unknown>>;

/** A list of tasks as the model wrote it, and how it was found. */
export interface FoundList {
  readonly list: readonly unknown[];
  /** What has to be said about it, in plain sentences. */
  readonly notes: readonly string[];
  /** The object that the list stood in, with what that was wrapped into. */
  readonly around?: Json;
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
const ALONE = 'The list of tasks stood alone, without an object around it.';

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
  for (const names of [LISTS, WRAPPERS]) {
    const candidates = entries.flatMap(([key, inner]) => {
      const found = names.includes(plain(key)) && findInner(inner, depth, names === LISTS);
      return found ? [{ key, found }] : [];
    });
    const chosen = candidates.find(({ found }) => found.list.length > 0) ?? candidates[0];
    if (chosen !== undefined) return withRest(value, chosen.key, chosen.found, depth);
  }
  return byId(value) ?? onlyList(value, depth);
}

/** The list with what stands beside it: other lists, edges, and what is left out. */
function withRest(value: Json, key: string, found: FoundList, depth: number): FoundList {
  const others = Object.entries(value).filter(
    ([name, inner]) => name !== key && !EXPECTED.includes(name) && !isEmpty(inner),
  );
  const isRival = ([, inner]: [string, unknown]) => {
    const list = findList(inner, depth + 1)?.list ?? [];
    return list.length > 0 && JSON.stringify(list) !== JSON.stringify(found.list);
  };
  const rival = others.find(isRival);
  if (rival !== undefined) {
    const unclear = `there are tasks in "${key}" and in "${rival[0]}"; put all of them into "tasks"`;
    return { ...found, unclear };
  }
  const read = Array.isArray(value[key])
    ? `"${key}" was read as the list of tasks.`
    : `The plan was taken out of "${key}".`;
  const notes = [
    ...(key === 'tasks' ? [] : [read]),
    ...found.notes.filter((note) => note !== ALONE),
  ];
  const left = others.filter(([name]) => !ORDERS.includes(name));
  return withOrder(value, {
    ...found,
    around: { ...value, ...found.around },
    notes: [...notes, ...left.map(([name]) => `"${name}" of the plan was left out.`)],
  });
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
  return { list: value, notes: [ALONE] };
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

/** A plan or list under a name of the model's own. */
function onlyList(value: Json, depth: number): FoundList | undefined {
  const candidates = Object.entries(value).flatMap(([key, inner]) => {
    const found = typeof inner === 'object' ? findList(inner, depth + 1) : undefined;
    return found === undefined ? [] : [{ key, found }];
  });
  const [only] = candidates;
  if (only === undefined) return undefined;
  return withRest(value, only.key, only.found, depth);
}

/** What stands beside a list of tasks and says in which order they come. */
const ORDERS = ['edges', 'links', 'dependencies'];
const UNCLEAR_ORDER =
  'the order of its tasks cannot be read; say in "dependencies" of each task what it needs';

/**
 * Beside the tasks, `edges: [{ from: "research", to: "report" }]` and
 * `dependencies: { report: ["research"] }` say what depends on what.
 */
function withOrder(value: Json, found: FoundList): FoundList {
  const pairs = ORDERS.map((name) => [name, value[name]] as const).flatMap(([name, order]) => {
    if (isEmpty(order)) return [];
    return name === 'dependencies' ? pairsOfRecord(order) : pairsOfEdges(order);
  });
  if (pairs.length === 0) return found;
  const needs = new Map<string, unknown[]>(
    found.list.filter(isJson).map(({ id }) => [asText(id), []]),
  );
  for (const [before, after] of pairs) {
    const needed = needs.get(asText(after));
    if (needed === undefined || isEmpty(before)) return { ...found, unclear: UNCLEAR_ORDER };
    needed.push(before);
  }
  const list = found.list.map((task) => {
    if (!isJson(task)) return task;
    const own = Array.isArray(task.dependencies) ? task.dependencies : [];
    return { ...task, dependencies: [...own, ...(needs.get(asText(task.id)) ?? [])] };
  });
  const note = 'What stood beside the tasks about their order was read as dependencies.';
  return { ...found, list, notes: [...found.notes, note] };
}

type Pair = readonly [before: unknown, after: unknown];
const UNREADABLE: Pair = [undefined, undefined];

function pairsOfEdges(edges: unknown): Pair[] {
  if (!Array.isArray(edges)) return [UNREADABLE];
  return edges.map((edge): Pair => {
    if (Array.isArray(edge)) return [edge[0], edge[1]];
    if (!isJson(edge)) return UNREADABLE;
    return [edge.from ?? edge.source, edge.to ?? edge.target];
  });
}

/** In a list under this name, it would not be plain which end needs the other. */
function pairsOfRecord(order: unknown): Pair[] {
  if (!isJson(order)) return [UNREADABLE];
  return Object.entries(order).flatMap(([after, needed]): Pair[] => {
    const all = Array.isArray(needed) ? needed : [needed];
    return all.map((before): Pair => [before, after]);
  });
}

/** Nothing, in one of the ways in which models write it. */
export function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === '' || value === false) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
