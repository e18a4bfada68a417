import type { AnswerReport } from './answer-report.js';
import { quote } from './json-value.js';
import type { ParsedTask } from './parsed-task.js';
import {
  dottedPathIn,
  normalizeName,
  numberIn,
  referenceText,
  splitReferences,
} from './reference-text.js';
import { REPAIRS } from './repairs.js';

/** A task of the answer, the id of a task that exists already, or all tasks before this one. */
export type ReferenceTarget =
  | { readonly task: ParsedTask }
  | { readonly existingId: string }
  | { readonly allBefore: true };

/** Phrases that models write in place of an id. */
const ALL =
  /^(all|every|each)( of)?( the)?( (previous|prior|preceding|above|other|earlier))*( (tasks?|steps?))?$/i;
const PREVIOUS = /^(the )?(previous|prior|preceding)( (task|step))?$/i;

/** Finds the task that a model refers to by id, title, description, position or phrase. */
export class ReferenceResolver {
  readonly #lists = new Map<readonly ParsedTask[], TaskIndex>();
  readonly #topLevel: TaskIndex;
  readonly #all: TaskIndex;
  readonly #exists: (id: string) => boolean;

  /**
   * @param topLevel The top-level tasks.
   * @param tasks All tasks, outer ones first.
   * @param exists Whether an id belongs to a task that exists before the answer.
   * @param beside References that are written beside the tasks.
   */
  constructor(
    topLevel: readonly ParsedTask[],
    tasks: readonly ParsedTask[],
    exists: (id: string) => boolean,
    beside: readonly unknown[] = [],
  ) {
    this.#topLevel = new TaskIndex(topLevel, beside);
    this.#lists.set(topLevel, this.#topLevel);
    this.#all = new TaskIndex(tasks);
    this.#exists = exists;
  }

  /**
   * Looks in the list of the referring task first, then in the lists around it, then everywhere.
   * Undefined when the reference is unknown or ambiguous.
   *
   * @param isDependency Whether descriptions, positions and phrases such as "all" count as well.
   */
  find(given: string, from: ParsedTask, isDependency = true): ReferenceTarget | undefined {
    const text = given.trim().replace(/\s+/g, ' ');
    const named = this.findByName(text, from, isDependency);
    if (named !== undefined) return named;
    const nested = this.#findByPath(text, from);
    if (nested !== undefined || !isDependency) return toTarget(nested);
    const before = from.siblings.slice(0, from.siblings.indexOf(from));
    if (ALL.test(text) && before.length > 0) return { allBefore: true };
    if (PREVIOUS.test(text)) return toTarget(before.at(-1));
    const task = this.#indexOf(from).findByPosition(text);
    // A position that leads to the task itself follows a count that we do not know.
    return task === from ? undefined : toTarget(task);
  }

  /** Finds a task by its id, title or description alone. */
  findByName(text: string, from: ParsedTask, byDescription = true): ReferenceTarget | undefined {
    const scopes = this.#scopesOf(from);
    for (const scope of scopes) {
      const task = scope.byId.get(text);
      if (task !== undefined) return { task };
    }
    if (this.#exists(text)) return { existingId: text };
    // A name without its sign would be that of another task.
    if (/^-\d/.test(text)) return undefined;
    for (const scope of scopes) {
      const task = scope.findSimilar(text, byDescription);
      if (task !== undefined) return { task };
    }
    return undefined;
  }

  /** Finds a task by its written id alone. */
  findById(text: string, from: ParsedTask): ParsedTask | undefined {
    for (const scope of this.#scopesOf(from)) {
      const task = scope.byId.get(text);
      if (task !== undefined) return task;
    }
    return undefined;
  }

  /** The top-level task at a position from 0. */
  findNode(position: number): ParsedTask | undefined {
    return this.#topLevel.tasks[position];
  }

  /** Finds a task for a reference that is written beside the tasks. */
  findTopLevel(given: string): ParsedTask | undefined {
    const text = given.trim().replace(/\s+/g, ' ');
    for (const index of [this.#topLevel, this.#all]) {
      const task = index.byId.get(text) ?? index.findSimilar(text, true);
      if (task !== undefined) return task;
    }
    return this.#pathFromTop(text) ?? this.#topLevel.findByPosition(text);
  }

  /** Whether a reference is a position that may count from 0 or from 1. */
  isUnclearPosition(given: string, from: ParsedTask): boolean {
    return this.#indexOf(from).isUnclearPosition(given);
  }

  /** `2.1` is subtask 1 of task 2, or subtask 1 of the task 2 around the referring task. */
  #findByPath(text: string, from: ParsedTask): ParsedTask | undefined {
    return this.#pathFromTop(text) ?? this.#pathInScopes(text, from);
  }

  #pathInScopes(text: string, from: ParsedTask): ParsedTask | undefined {
    const path = dottedPathIn(text);
    if (path === undefined) return undefined;
    for (let at: ParsedTask | undefined = from; at !== undefined; at = at.parent) {
      const task = this.#walk(this.#indexOf(at), path);
      if (task !== undefined) return task;
    }
    return undefined;
  }

  #pathFromTop(text: string): ParsedTask | undefined {
    const path = dottedPathIn(text);
    return path && this.#walk(this.#topLevel, path);
  }

  #walk(index: TaskIndex, path: readonly string[]): ParsedTask | undefined {
    const [first, ...rest] = path;
    const task = first === undefined ? undefined : index.findByNumber(Number(first));
    if (task === undefined || rest.length === 0) return task;
    const [subtask] = task.subtasks;
    return subtask && this.#walk(this.#indexOf(subtask), rest);
  }

  #scopesOf(from: ParsedTask): TaskIndex[] {
    const scopes: TaskIndex[] = [];
    for (let at: ParsedTask | undefined = from; at !== undefined; at = at.parent) {
      scopes.push(this.#indexOf(at));
    }
    return [...scopes, this.#all];
  }

  #indexOf({ siblings }: ParsedTask): TaskIndex {
    const known = this.#lists.get(siblings);
    if (known !== undefined) return known;
    const index = new TaskIndex(siblings);
    this.#lists.set(siblings, index);
    return index;
  }
}

function toTarget(task: ParsedTask | undefined): ReferenceTarget | undefined {
  return task && { task };
}

/** Several tasks have this name. */
const AMBIGUOUS = Symbol('ambiguous');
type Candidate = ParsedTask | typeof AMBIGUOUS;

/** Finds tasks by the names that models use for them. */
class TaskIndex {
  readonly byId = new Map<string, ParsedTask>();
  /** By id, by other numbers, by title and by description, without case, spaces and separators. */
  readonly #similar: readonly ReadonlyMap<string, Candidate>[];
  readonly tasks: readonly ParsedTask[];
  /** The tasks by the number at the end of their ids, if all ids have one. */
  readonly #byNumber: ReadonlyMap<number, Candidate> | undefined;
  /** The position of the first task, if a reference shows it. */
  readonly #firstPosition: 0 | 1 | undefined;

  /** @param beside References to these tasks that are written elsewhere. */
  constructor(tasks: readonly ParsedTask[], beside: readonly unknown[] = []) {
    this.tasks = tasks;
    this.#firstPosition = firstPositionOf(tasks, beside);
    this.#byNumber = byLastNumber(tasks);
    const ids = new Map<string, Candidate>();
    const aliases = new Map<string, Candidate>();
    const titles = new Map<string, Candidate>();
    const descriptions = new Map<string, Candidate>();
    for (const task of tasks) {
      const { writtenId, title, description } = task;
      if (writtenId !== undefined && !this.byId.has(writtenId)) this.byId.set(writtenId, task);
      add(ids, writtenId, task);
      for (const alias of task.aliases) add(aliases, alias, task);
      add(titles, title, task);
      add(descriptions, description, task);
    }
    this.#similar = [ids, aliases, titles, descriptions];
  }

  /** Ignores case, spaces and separators. */
  findSimilar(text: string, byDescription: boolean): ParsedTask | undefined {
    const key = normalizeName(text);
    if (key === '') return undefined;
    for (const map of byDescription ? this.#similar : this.#similar.slice(0, 3)) {
      const task = map.get(key);
      if (task === AMBIGUOUS) return undefined;
      if (task !== undefined) return task;
    }
    return undefined;
  }

  /** Where all ids end in numbers, a number means one of those instead of a position. */
  findByPosition(text: string): ParsedTask | undefined {
    const number = numberIn(text);
    if (number === undefined) return undefined;
    if (this.#byNumber !== undefined) return this.findByNumber(number);
    return this.#firstPosition === undefined ? undefined : this.tasks[number - this.#firstPosition];
  }

  findByNumber(number: number): ParsedTask | undefined {
    const task = this.#byNumber?.get(number);
    return task === AMBIGUOUS ? undefined : task;
  }

  isUnclearPosition(text: string): boolean {
    const number = numberIn(text);
    const isPosition = number !== undefined && number <= this.tasks.length;
    return isPosition && this.#byNumber === undefined && this.#firstPosition === undefined;
  }
}

function add(map: Map<string, Candidate>, name: string | undefined, task: ParsedTask): void {
  if (name === undefined) return;
  const key = normalizeName(name);
  map.set(key, map.has(key) && map.get(key) !== task ? AMBIGUOUS : task);
}

function byLastNumber(tasks: readonly ParsedTask[]): Map<number, Candidate> | undefined {
  const numbers = new Map<number, Candidate>();
  for (const task of tasks) {
    const digits = /\d+$/.exec(task.writtenId ?? '')?.[0];
    if (digits === undefined) return undefined;
    const number = Number(digits);
    numbers.set(number, numbers.has(number) ? AMBIGUOUS : task);
  }
  return numbers;
}

/** A reference to 0 shows that the model counts from 0; one to the number of tasks, from 1. */
function firstPositionOf(
  tasks: readonly ParsedTask[],
  beside: readonly unknown[],
): 0 | 1 | undefined {
  const numbers = new Set<number | undefined>();
  for (const given of [...tasks.flatMap(({ needs }) => needs), ...beside]) {
    const text = referenceText(given);
    if (text === undefined || text === '') continue;
    for (const part of splitReferences(text) ?? [text]) numbers.add(numberIn(part));
  }
  const [hasFirst, hasLast] = [numbers.has(0), numbers.has(tasks.length)];
  if (hasFirst === hasLast) return undefined;
  return hasFirst ? 0 : 1;
}

/** Reports a dependency that was not written as the id of its task. */
export function reportReading(
  given: unknown,
  text: string,
  id: string,
  report: AnswerReport,
): void {
  if (given === id) return;
  if (text === id) report.addRepair(REPAIRS.needsConverted());
  else report.addRepair(REPAIRS.needRead(quote(text), quote(id)));
}
