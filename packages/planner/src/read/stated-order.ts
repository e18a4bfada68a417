import type { AnswerPath } from './answer-report.js';
import { isPlainDependency } from './field-names.js';
import { isEmpty, isJsonObject, type JsonObject, normalizeKey } from './json-value.js';
import { referenceText, splitReferences } from './reference-text.js';
import type { NamedValue } from './task-fields.js';

/** One task comes before another, as a field beside the tasks says. */
interface StatedPair {
  readonly before: string;
  readonly after: string;
  readonly path: AnswerPath;
}

/** The meaning of one field beside the tasks. */
export type StatedOrder =
  | { readonly pairs: readonly StatedPair[] }
  /** The field pairs tasks, but it may mean either direction. */
  | 'unclear'
  /** The field pairs no tasks. It may still name some. */
  | undefined;

/** Names of lists of edges, where `from`, `source` or the first of two comes first. */
const EDGES = /(?:edges?|links?|arrows|connections?|arcs)$/;
/** Names that mean an edge only together with the name of such a list. */
const EDGE_ENDS: readonly (readonly [before: string, after: string])[] = [
  ['source', 'target'],
  ['from', 'to'],
  ['src', 'dst'],
  ['src', 'dest'],
  ['sourceid', 'targetid'],
  ['sourcetask', 'targettask'],
  ['sourcenode', 'targetnode'],
  ['fromid', 'toid'],
  ['fromtask', 'totask'],
  ['fromnode', 'tonode'],
  ['fromstep', 'tostep'],
  ['start', 'end'],
  ['head', 'tail'],
  ['parent', 'child'],
];
/** Names whose direction is plain everywhere. */
const PLAIN_ENDS: readonly (readonly [before: string, after: string])[] = [
  ['before', 'after'],
  ['first', 'then'],
  ['predecessor', 'successor'],
  ['upstream', 'downstream'],
  ['prerequisite', 'task'],
  ['prerequisite', 'dependent'],
];
/** A label of an edge that turns its direction round. */
const TURNED = /depend|requir|need|block|after/i;
const TASK = /^(?:task|step|node|id|taskid|stepid|nodeid|name|taskname)$/;
/** An entry with one of these is a task itself. */
const TEXTS = /^(?:description|desc|prompt|instructions?|details?|content|action|objective)$/;
/** Marks of the beginning and the end of a workflow, which are no tasks. */
const TERMINAL = /^[_<[]*(?:start|end|begin|finish|root|source|sink)[_>\]]*$/i;
const ARROW = /\s*(?:-+>|=+>|→|⇒|⟶|>>)\s*/;
const DEPENDS = /^(.+?) (?:depends? on|requires|needs|is blocked by|comes after) (.+)$/i;

/** Reads the order of tasks that a field beside the tasks states. */
export function statedOrder([name, value]: NamedValue): StatedOrder {
  const key = normalizeKey(name);
  const isEdges = EDGES.test(key) && !isPlainDependency(key) && !/depend|parent|prereq/.test(key);
  if (Array.isArray(value)) return ofList(name, value, isEdges);
  if (!isJsonObject(value)) return undefined;
  if (isPlainDependency(key) && !/graph|tree|dag/.test(key)) return ofRecord(name, value);
  const entries = Object.entries(value);
  const isRecordOfNeeds =
    entries.length > 0 && entries.every(([, each]) => needsIn(each) !== undefined);
  if (!isRecordOfNeeds) return undefined;
  return {
    pairs: entries.flatMap(([after, each]) => pairsOf(needsIn(each), after, [name, after])),
  };
}

function ofList(name: string, list: readonly unknown[], isEdges: boolean): StatedOrder {
  const pairs: StatedPair[] = [];
  let isUnclear = false;
  for (const [position, entry] of list.entries()) {
    const found = pairsOfEntry(entry, isEdges, [name, position]);
    if (found === 'unclear') isUnclear = true;
    else if (found === undefined)
      return isEdges || isUnclear || pairs.length > 0 ? 'unclear' : undefined;
    else pairs.push(...found);
  }
  return isUnclear ? 'unclear' : { pairs };
}

function pairsOfEntry(
  entry: unknown,
  isEdges: boolean,
  path: AnswerPath,
): readonly StatedPair[] | 'unclear' | undefined {
  if (typeof entry === 'string') return pairsOfText(entry, isEdges, path);
  if (Array.isArray(entry)) {
    if (!isEdges || entry.length !== 2) return undefined;
    return pairsOf(entry[0], entry[1], path);
  }
  if (!isJsonObject(entry)) return undefined;
  const fields = new Map(Object.entries(entry).map(([key, each]) => [normalizeKey(key), each]));
  for (const [before, after] of PLAIN_ENDS) {
    if (fields.has(before) && fields.has(after)) {
      return pairsOf(fields.get(before), fields.get(after), path);
    }
  }
  const needs = needsIn(entry);
  const task = [...fields].find(([key]) => TASK.test(key));
  const isTask = [...fields.keys()].some((field) => TEXTS.test(field));
  if (needs !== undefined && task !== undefined && !isTask) return pairsOf(needs, task[1], path);
  const ends = EDGE_ENDS.find(([before, after]) => fields.has(before) && fields.has(after));
  if (ends === undefined) return undefined;
  const isTurned = [...fields].some(([key, each]) => {
    return !ends.includes(key) && typeof each === 'string' && TURNED.test(each);
  });
  if (!isEdges || isTurned) return 'unclear';
  return pairsOf(fields.get(ends[0]), fields.get(ends[1]), path);
}

/** `a -> b -> c` in a list of edges, or `c depends on a and b` in any list. */
function pairsOfText(
  written: string,
  isEdges: boolean,
  path: AnswerPath,
): readonly StatedPair[] | 'unclear' | undefined {
  const text = written.replace(/\s+/g, ' ');
  const [, after, before] = DEPENDS.exec(text) ?? [];
  if (after !== undefined) return pairsOf(before, after, path);
  const parts = text.split(ARROW);
  if (parts.length < 2) return undefined;
  if (!isEdges) return 'unclear';
  return parts.slice(1).flatMap((part, index) => pairsOf(parts[index], part, path));
}

/** `{ report: ["research"] }` */
function ofRecord(name: string, record: JsonObject): StatedOrder {
  return {
    pairs: Object.entries(record).flatMap(([after, value]) => {
      return pairsOf(needsIn(value) ?? value, after, [name, after]);
    }),
  };
}

/** The value of a plain field of dependencies in an object; undefined when there is none. */
function needsIn(value: unknown): unknown {
  if (!isJsonObject(value)) return undefined;
  const entry = Object.entries(value).find(([name]) => isPlainDependency(normalizeKey(name)));
  return entry && (entry[1] ?? []);
}

function pairsOf(before: unknown, after: unknown, path: AnswerPath): StatedPair[] {
  const afters = textsOf(after);
  return textsOf(before).flatMap((one) =>
    afters.map((other) => ({ before: one, after: other, path })),
  );
}

/** Each reference as text. One that is none becomes a text that names no task. */
function textsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(textsOf);
  if (isEmpty(value)) return [];
  const text = referenceText(value) ?? JSON.stringify(value);
  return text === '' ? [] : [text.trim()];
}

/** Whether a name marks the beginning or the end of a workflow, rather than a task. */
export function isTerminal(name: string): boolean {
  return TERMINAL.test(name);
}

/** The names of a stated sequence, batch by batch: `a -> b`, `[["a", "b"], ["c"]]`, `1, 2, 3`. */
export function batchesIn(value: unknown): readonly (readonly unknown[])[] {
  if (typeof value === 'string') {
    const parts = value.replace(/\s+/g, ' ').split(ARROW);
    return (parts.length > 1 ? parts : (splitReferences(value) ?? parts)).map((part) => [
      ...(splitReferences(part) ?? [part]),
    ]);
  }
  if (Array.isArray(value)) {
    const parts = value.flatMap((each) =>
      typeof each === 'string' && ARROW.test(each) ? batchesIn(each) : [leavesIn(each)],
    );
    return parts;
  }
  if (isJsonObject(value))
    return Object.entries(value).map(([name, each]) => [name, ...leavesIn(each, false)]);
  return [];
}

/** The texts in a value, and the numbers in its lists. */
function leavesIn(value: unknown, isInList = true): unknown[] {
  if (Array.isArray(value)) return value.flatMap((each) => leavesIn(each));
  if (isJsonObject(value)) return Object.values(value).flatMap((each) => leavesIn(each, false));
  if (typeof value === 'string') return [value];
  return isInList && typeof value === 'number' ? [value] : [];
}
