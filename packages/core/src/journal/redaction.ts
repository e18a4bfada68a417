import type { ValueCodec } from '../contract/codec.js';
import type { GoalChecked, RunEvent, TasksAdded } from '../contract/event.js';
import { type GoalState, subjectOf } from '../contract/goal.js';
import type { EventData, Json } from '../contract/journal.js';
import { readPath } from '../contract/reference.js';
import type { Task } from '../contract/task.js';
import { toData } from '../serialize/value.js';
import type { RunState } from '../state/run-state.js';
import { isLate } from '../util/promise.js';

/** Redacts a value before it is persisted. */
export type Redact = (output: unknown, task: Task) => unknown;

export interface RedactionOptions {
  readonly goalState?: GoalState | undefined;
  readonly codecs?: readonly ValueCodec[] | undefined;
}

const REDACTED = '[redacted]';
/** Shorter words are in too many texts to be a secret. */
const WORD = /[\p{L}\p{N}_]{3,}(…)?/gu;
/** The fields of an added task that may hold parts of outputs. */
const TASK_TEXTS = ['description', 'metadata', 'with', 'args', 'save'];

/**
 * Keeps what `redact` has removed from outputs out of all other fields of a record: questions, messages,
 * items of fan-outs, inputs of tools, paths of files, goals and added tasks. It learns the words that were
 * removed, and calls `redact` for most of these values as well.
 */
export class Redaction {
  readonly #redact: Redact;
  readonly #state: RunState;
  readonly #goalState: GoalState | undefined;
  readonly #codecs: readonly ValueCodec[] | undefined;
  readonly #removed = new Set<string>();

  constructor(redact: Redact, state: RunState, options: RedactionOptions) {
    this.#redact = redact;
    this.#state = state;
    this.#goalState = options.goalState;
    this.#codecs = options.codecs;
  }

  /** The output to persist. */
  output(output: unknown, task: Task): unknown {
    const kept = this.#redact(output, task);
    if (isLate(kept)) throw new TypeError('it is asynchronous and must be synchronous');
    if (kept !== output) this.#learn(output, kept, new Set());
    return kept;
  }

  /** An event whose values can be encoded: without the items that `redact` removes. */
  event(event: RunEvent, index: number): RunEvent {
    switch (event.type) {
      case 'tasks_added':
        return this.#withItems(event, index);
      case 'goal_checked':
        return this.#withActuals(event);
      default:
        return event;
    }
  }

  /** The texts of an encoded event, without what was removed from outputs. */
  data(data: EventData, index: number): EventData {
    // Quotes and results of code may contain what is redacted.
    const { citations: _, serverToolCalls: __, ...kept } = data;
    const { question, error, tasks, items, input, savedTo, message: reason } = kept;
    const { message, taskId } = (error ?? {}) as {
      readonly message?: Json;
      readonly taskId?: Json;
    };
    // The error of a run repeats that of a task.
    const failed = index >= 0 ? index : (this.#state.graph.indexOf(`${taskId}`) ?? -1);
    return {
      ...kept,
      ...(typeof question === 'string' && { question: this.#text(question, index) }),
      ...(typeof reason === 'string' && { message: this.#text(reason, index) }),
      ...(typeof message === 'string' && {
        error: { ...(error as object), message: this.#text(message, failed) },
      }),
      ...(items !== undefined && { items: scrubbed(items, (text) => this.#scrub(text)) }),
      ...(input !== undefined && { input: scrubbed(input, (text) => this.#scrub(text)) }),
      ...(typeof savedTo === 'string' && { savedTo: this.#scrub(savedTo) }),
      ...(Array.isArray(tasks) && { tasks: tasks.map((task) => this.#task(task)) }),
    };
  }

  #withItems(event: TasksAdded, index: number): RunEvent {
    const { items } = event;
    if (items === undefined) return event;
    return { ...event, items: items.map((item) => this.#storable(this.#value(item, index))) };
  }

  /** The values at the paths in what is persisted of the outputs. */
  #withActuals(event: GoalChecked): RunEvent {
    const { graph } = this.#state;
    const criteria = event.criteria.map((progress, position) => {
      const criterion = this.#goalState?.criteria[position];
      const isTask = (id: string) => graph.indexOf(id) !== undefined;
      const subject = criterion && subjectOf(criterion, isTask);
      if (typeof subject !== 'object' || subject.kind !== 'output') return progress;
      const index = graph.indexOf(subject.id) as number;
      if (!this.#state.isCompleted(index)) return progress;
      const actual = readPath(this.#value(this.#state.outputOf(index), index), subject.path);
      return { ...progress, actual };
    });
    return { ...event, criteria };
  }

  #text(text: string, index: number): string {
    let kept: unknown;
    try {
      if (index >= 0) kept = this.#redact(text, this.#state.graph.taskOf(index));
      isLate(kept);
    } catch {}
    // A function for objects may make anything of a text, or throw.
    return this.#scrub(typeof kept === 'string' ? kept : text);
  }

  #value(value: unknown, index: number): unknown {
    try {
      return this.output(value, this.#state.graph.taskOf(index));
    } catch {
      return REDACTED;
    }
  }

  #storable(value: unknown): unknown {
    try {
      toData(value, this.#codecs);
      return value;
    } catch {
      return REDACTED;
    }
  }

  #task(task: Json): Json {
    const data = task as { readonly [field: string]: Json };
    const changes = TASK_TEXTS.filter((field) => data[field] !== undefined).map((field) => [
      field,
      scrubbed(data[field] as Json, (text) => this.#scrub(text)),
    ]);
    const { subtasks, plan } = data;
    const module = plan as { readonly goal?: Json; readonly tasks?: Json } | undefined;
    return {
      ...data,
      ...Object.fromEntries(changes),
      ...(Array.isArray(subtasks) && { subtasks: subtasks.map((each) => this.#task(each)) }),
      ...(Array.isArray(module?.tasks) && {
        plan: {
          ...(plan as object),
          ...(typeof module.goal === 'string' && { goal: this.#scrub(module.goal) }),
          tasks: module.tasks.map((each) => this.#task(each)),
        },
      }),
    };
  }

  #scrub(text: string): string {
    if (this.#removed.size === 0) return text;
    return text.replace(WORD, (word, isCut: string | undefined) =>
      this.#isRemoved(word, isCut !== undefined) ? REDACTED : word,
    );
  }

  #isRemoved(word: string, isCut: boolean): boolean {
    if (!isCut) return this.#removed.has(word);
    // A message shows the beginning of a long value.
    const start = word.slice(0, -1);
    for (const removed of this.#removed) if (removed.startsWith(start)) return true;
    return false;
  }

  /** Notes the words of a value that are not in what is kept of it. */
  #learn(value: unknown, kept: unknown, seen: Set<unknown>): void {
    if (Object.is(value, kept) || seen.has(value)) return;
    if (typeof value !== 'object' || value === null) {
      if (typeof value === 'boolean') return;
      const left = new Set(wordsOf(kept));
      for (const word of wordsOf(value)) if (!left.has(word)) this.#removed.add(word);
      return;
    }
    seen.add(value);
    const fields =
      value instanceof Map || value instanceof Set ? [...value].entries() : entriesOf(value);
    const others = kept instanceof Map || kept instanceof Set ? [...kept] : Object(kept);
    for (const [key, field] of fields) {
      this.#learn(field, Object.hasOwn(others, key) ? others[key] : undefined, seen);
    }
  }
}

function entriesOf(value: object): Iterable<[PropertyKey, unknown]> {
  return ArrayBuffer.isView(value) ? [] : Object.entries(value);
}

function wordsOf(value: unknown): string[] {
  const text = typeof value === 'object' ? (JSON.stringify(value) ?? '') : String(value ?? '');
  return text.match(/[\p{L}\p{N}_]{3,}/gu) ?? [];
}

/** Encoded values whose text is no text. */
const MARKED: readonly (string | undefined)[] = ['number', 'bigint', 'bytes', 'date'];

/** Data with its texts changed. */
function scrubbed(data: Json, change: (text: string) => string): Json {
  if (typeof data === 'string') return change(data);
  if (typeof data !== 'object' || data === null) return data;
  if (Array.isArray(data)) return data.map((item) => scrubbed(item, change));
  const { $: mark } = data as { readonly $?: Json };
  if (MARKED.includes(mark as string)) return data;
  return Object.fromEntries(
    Object.entries(data).map(([key, field]) => [
      key,
      key === '$' || (mark === 'custom' && key === 'name') ? field : scrubbed(field, change),
    ]),
  );
}
