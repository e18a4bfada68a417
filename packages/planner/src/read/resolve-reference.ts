import type { AnswerReport } from './answer-report.js';
import { quote } from './json-value.js';
import type { ParsedTask } from './parsed-task.js';

/** A task of the answer, the id of a task that exists already, or all tasks before this one. */
export type ReferenceTarget =
  | { readonly task: ParsedTask }
  | { readonly existingId: string }
  | { readonly allBefore: true };

/** Phrases that models write in place of an id. */
const NOTHING = /^(none|nothing|null|nil|n\/?a|no dependencies|-|–|—)?$/i;
const ALL =
  /^(all|every|each)( of)?( the)?( (previous|prior|preceding|above|other|earlier))*( (tasks?|steps?))?$/i;
const PREVIOUS = /^(the )?(previous|prior|preceding)( (task|step))?$/i;
const POSITION = /^(?:the )?(?:task|step|subtask|t|s|no\.?|nr\.?)?[\s_#:-]*(\d{1,6})$/i;

/** Finds the task that a model refers to by id, title, description, position or phrase. */
export class ReferenceResolver {
  readonly #lists = new Map<readonly ParsedTask[], TaskIndex>();
  readonly #all: TaskIndex;
  readonly #exists: (id: string) => boolean;

  /** @param exists Whether an id belongs to a task that exists before the answer. */
  constructor(tasks: readonly ParsedTask[], exists: (id: string) => boolean) {
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
    const scopes = this.#scopesOf(from);
    for (const scope of scopes) {
      const task = scope.byId.get(text);
      if (task !== undefined) return { task };
    }
    if (this.#exists(text)) return { existingId: text };
    for (const scope of scopes) {
      const task = scope.findSimilar(text, isDependency);
      if (task !== undefined) return { task };
    }
    if (!isDependency) return undefined;
    const before = from.siblings.slice(0, from.siblings.indexOf(from));
    if (ALL.test(text) && before.length > 0) return { allBefore: true };
    if (PREVIOUS.test(text)) return toTarget(before.at(-1));
    const task = this.#indexOf(from).findByPosition(text);
    // A position that leads to the task itself follows a count that we do not know.
    return task === from ? undefined : toTarget(task);
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
  /** By id, by title and by description, without case, spaces and separators. */
  readonly #similar: readonly ReadonlyMap<string, Candidate>[];
  readonly #tasks: readonly ParsedTask[];
  /** A reference to position 0 shows that the model counts from 0. */
  readonly #firstPosition: 0 | 1;

  constructor(tasks: readonly ParsedTask[]) {
    this.#tasks = tasks;
    const isZero = (need: unknown) => referenceText(need) === '0';
    this.#firstPosition = tasks.some(({ needs }) => needs.some(isZero)) ? 0 : 1;
    const ids = new Map<string, Candidate>();
    const titles = new Map<string, Candidate>();
    const descriptions = new Map<string, Candidate>();
    for (const task of tasks) {
      const { writtenId, title, description } = task;
      if (writtenId !== undefined && !this.byId.has(writtenId)) this.byId.set(writtenId, task);
      for (const [map, name] of [
        [ids, writtenId],
        [titles, title],
        [descriptions, description],
      ] as const) {
        if (name === undefined) continue;
        const key = normalizeName(name);
        map.set(key, map.has(key) && map.get(key) !== task ? AMBIGUOUS : task);
      }
    }
    this.#similar = [ids, titles, descriptions];
  }

  /** Ignores case, spaces and separators. */
  findSimilar(text: string, byDescription: boolean): ParsedTask | undefined {
    const key = normalizeName(text);
    if (key === '') return undefined;
    for (const map of byDescription ? this.#similar : this.#similar.slice(0, 2)) {
      const task = map.get(key);
      if (task === AMBIGUOUS) return undefined;
      if (task !== undefined) return task;
    }
    return undefined;
  }

  /** Where ids end in numbers, a number means one of those instead of a position. */
  findByPosition(text: string): ParsedTask | undefined {
    const number = POSITION.exec(text)?.[1];
    if (number === undefined) return undefined;
    const numbered = this.#tasks.filter(({ writtenId = '' }) => /\d+$/.test(writtenId));
    if (numbered.length === 0) return this.#tasks[Number(number) - this.#firstPosition];
    const same = numbered.filter(({ writtenId = '' }) => {
      return Number(/\d+$/.exec(writtenId)?.[0]) === Number(number);
    });
    return same.length === 1 ? same[0] : undefined;
  }
}

/** A name without case, spaces and separators. Letters of every script are kept. */
function normalizeName(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}

/** A dependency as text: undefined when it is no reference, '' when it means "nothing". */
export function referenceText(given: unknown): string | undefined {
  if (typeof given === 'object' && given !== null) {
    const id = idInside(given);
    return typeof id === 'string' || typeof id === 'number' ? String(id) : undefined;
  }
  if (given === null || given === undefined || given === false) return '';
  if (typeof given === 'number') return String(given);
  if (typeof given !== 'string') return undefined;
  return NOTHING.test(given.trim()) ? '' : given;
}

/** `{ "id": "research" }`, `{ "task": "research" }` */
function idInside(given: object): unknown {
  for (const [name, value] of Object.entries(given)) {
    if (/^(id|task_?id|task|ref|name|step)$/i.test(name)) return value;
  }
  return undefined;
}

/** Reports a dependency that was not written as the id of its task. */
export function reportReading(
  given: unknown,
  text: string,
  id: string,
  report: AnswerReport,
): void {
  if (given === id) return;
  if (text === id) report.addRepair('Dependencies were converted to strings.');
  else report.addRepair(`The dependency ${quote(text)} was read as ${quote(id)}.`);
}
