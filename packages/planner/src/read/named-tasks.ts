import { isLink } from './field-names.js';
import { isJsonObject, normalizeKey } from './json-value.js';
import { isWithin, type ParsedTask } from './parsed-task.js';
import { normalizeName, numberIn, referenceText, splitReferences } from './reference-text.js';
import type { ReferenceResolver } from './resolve-reference.js';
import type { NamedValue } from './task-fields.js';
import { candidatesIn, isMark, mayBeReference } from './text-references.js';

/** The tasks that the value of a field names. */
export interface NamedTasks {
  readonly tasks: ReadonlySet<ParsedTask>;
  /** Whether the value has parts that name no task. */
  readonly hasOtherParts: boolean;
  /** A number that may be the position of a task, from 0 or from 1. */
  readonly position?: string | undefined;
}

/** Fields that describe a task. Their values may equal an id without meaning a task. */
const DESCRIBING =
  /^(?:expected|acceptance|success|outputs?|deliverables?|outcome|results?|produces?|artifacts?|roles?|agents?|assign|owner|persona|team|notes?|rationale|reason|why|thoughts?|explanation|comments?|language|format|tone|style|audience|skills?|tags?|labels?|topic|domain)/;
/** Names of amounts, whose numbers are no ids. */
const AMOUNTS =
  /count|number|num|limit|max|min|size|amount|quantity|total|people|persons|servings|days|weeks|pages|words|items|length|topk|topn|temperature|version|year|age|budget|price|rate|percent|width|height|results|rounds|copies|score|rating|seconds|minutes|hours|months|time|cost|tokens|usd|depth|weight/;
const INPUTS =
  /^(?:inputs?|consumes|uses|reads|takes|sources?|requiresdata|inputkeys?|inputnames?|inputvariables?|inputfiles?|data|artifactsin)$/;
const OUTPUTS =
  /^(?:outputs?|produces?|provides|creates|returns|writes|artifacts?|outputkeys?|outputnames?|outputvariables?|outputfiles?|expectedoutputs?|deliverables?|savesas|storeas|saveas)$/;

/** Finds the tasks that fields name, in fields whose meaning is not known. */
export class TaskNames {
  readonly #resolver: ReferenceResolver;
  /** Tasks by the names of their outputs. */
  readonly #byOutput = new Map<string, ParsedTask>();
  readonly #columns = new Map<readonly ParsedTask[], Map<string, boolean>>();

  constructor(tasks: readonly ParsedTask[], resolver: ReferenceResolver) {
    this.#resolver = resolver;
    for (const task of tasks) {
      for (const [name, value] of task.others) {
        if (!OUTPUTS.test(normalizeKey(name))) continue;
        for (const leaf of leavesOf(value)) {
          if (typeof leaf === 'string') this.#byOutput.set(normalizeName(leaf), task);
        }
      }
    }
  }

  /** The other tasks that one field of a task names. */
  in([name, value]: NamedValue, task: ParsedTask): NamedTasks {
    const key = normalizeKey(name);
    const tasks = new Set<ParsedTask>();
    const seen = { hasOtherParts: false, position: undefined as string | undefined };
    if (isLink(key) || !DESCRIBING.test(key)) {
      const isScalar = typeof value !== 'object';
      if (!isScalar || isLink(key) || this.#isColumnOfReferences(key, task)) {
        // A scalar number names a task only where the whole column does.
        this.#collect(value, key, task, tasks, seen, isScalar || Array.isArray(value));
      }
    }
    for (const each of tasks) {
      if (each === task || isWithin(task, each) || isWithin(each, task)) tasks.delete(each);
    }
    return { tasks, ...seen };
  }

  #collect(
    value: unknown,
    key: string,
    task: ParsedTask,
    tasks: Set<ParsedTask>,
    seen: { hasOtherParts: boolean; position: string | undefined },
    isInList: boolean,
  ): void {
    if (Array.isArray(value)) {
      for (const each of value) this.#collect(each, key, task, tasks, seen, true);
      return;
    }
    if (isJsonObject(value)) {
      const text = isLink(key) || isInList ? referenceText(value) : undefined;
      const own = text === undefined ? undefined : this.#find(text, key, task, isLink(key));
      if (own !== undefined) tasks.add(own);
      for (const [name, inner] of Object.entries(value)) {
        const named = /\D/.test(name) ? this.#resolver.findById(name, task) : undefined;
        if (named !== undefined) tasks.add(named);
        // A number in an object is an amount.
        if (typeof inner !== 'number' && typeof inner !== 'boolean') {
          this.#collect(inner, key, task, tasks, seen, false);
        } else if (named === undefined) seen.hasOtherParts = true;
      }
      return;
    }
    if (typeof value !== 'string' && typeof value !== 'number') return;
    const text = referenceText(value);
    if (text === undefined || text === '') return;
    if (isMark(text)) {
      seen.hasOtherParts = true;
      return;
    }
    const canBeNumber = isLink(key) || isInList || typeof value === 'string';
    const found = this.#find(text, key, task, canBeNumber);
    if (found !== undefined) {
      tasks.add(found);
      return;
    }
    if (isLink(key) && this.#resolver.isUnclearPosition(text, task)) {
      seen.position ??= text;
      return;
    }
    const parts = splitReferences(text)?.map((part) => this.#find(part, key, task, canBeNumber));
    if (parts?.every((part) => part !== undefined)) {
      for (const part of parts) tasks.add(part as ParsedTask);
      return;
    }
    seen.hasOtherParts = true;
    if (!isLink(key) || !mayBeReference(text)) return;
    for (const word of candidatesIn(text)) {
      const named = this.#find(word, key, task, false);
      if (named !== undefined) tasks.add(named);
    }
  }

  #find(text: string, key: string, task: ParsedTask, canBeNumber: boolean): ParsedTask | undefined {
    if (!canBeNumber && numberIn(text) !== undefined) return undefined;
    const exact = this.#resolver.findById(text, task);
    if (exact !== undefined) return exact;
    const target = this.#resolver.findByName(text, task);
    if (target !== undefined && 'task' in target) return target.task;
    if (isLink(key)) {
      const linked = this.#resolver.find(text, task);
      if (linked !== undefined && 'task' in linked) return linked.task;
    }
    return INPUTS.test(key) ? this.#byOutput.get(normalizeName(text)) : undefined;
  }

  /** Whether a field has references in all tasks of a list, rather than amounts or labels. */
  #isColumnOfReferences(key: string, { siblings }: ParsedTask): boolean {
    const columns = this.#columns.get(siblings) ?? new Map<string, boolean>();
    this.#columns.set(siblings, columns);
    let known = columns.get(key);
    if (known === undefined) {
      known = siblings.every((task) =>
        task.others.every(([name, value]) => {
          if (normalizeKey(name) !== key || typeof value === 'object') return true;
          const text = referenceText(value);
          if (text === undefined || text === '') return true;
          const parts = splitReferences(text) ?? [text];
          const found = parts.map((part) => this.#find(part, key, task, true));
          if (parts.every((part) => numberIn(part) !== undefined)) {
            return !AMOUNTS.test(key) && found.every((each) => each !== undefined && each !== task);
          }
          return found.every((each) => each !== task);
        }),
      );
      columns.set(key, known);
    }
    return known;
  }
}

function leavesOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value.flatMap(leavesOf);
  if (isJsonObject(value)) return Object.values(value).flatMap(leavesOf);
  return [value];
}
