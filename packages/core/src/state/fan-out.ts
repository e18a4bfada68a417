import type { ValueCodec } from '../contract/codec.js';
import { describe, RunnerError, show } from '../contract/errors.js';
import { forEachOf, type ItemsSource } from '../contract/for-each.js';
import { moduleNamesOf, subtasksOf } from '../contract/module.js';
import type { InputValues } from '../contract/plan-inputs.js';
import { parseReference, readPath } from '../contract/reference.js';
import { LOOP_NAMES } from '../contract/repeat.js';
import type { SecretTexts } from '../contract/secret-texts.js';
import { isTemplate, type Task } from '../contract/task.js';
import { keep } from '../contract/value.js';
import type { Graph } from '../graph/graph.js';
import { isLate } from '../util/promise.js';

type Inputs = Readonly<Record<string, unknown>>;

/** What the tasks of one element or one iteration have in common. */
interface Scope {
  /** The element of a fan-out; undefined outside of fan-outs. */
  readonly element: { readonly item: unknown; readonly index: number } | undefined;
  /** The number of the iteration, from 1; undefined outside of loops. */
  readonly iteration: number | undefined;
  /** Maps an id of the pattern to the id of its copy. */
  readonly rename: (id: string) => string;
}

/** The pattern from which a task was made, and the element or iteration it was made for. */
interface Origin extends Scope {
  /** The id of the task in the pattern. */
  readonly localId: string;
  /** What it calls its dependencies, in order. */
  readonly dependencies: readonly string[];
  /** Whether it is a copy of its parent, not of a subtask: it also has the inputs of its parent. */
  readonly isElement: boolean;
}

/** The names of a task in what it is a copy of: the pattern of a template, or the plan of a module. */
interface LocalNames extends Pick<Origin, 'localId' | 'dependencies' | 'rename'> {}

/**
 * Creates the tasks of fan-outs and loops: for each item of a list, or for each iteration, a copy of the
 * task and its subtasks with unique ids.
 */
export class FanOut {
  readonly #origins = new WeakMap<Task, Origin>();
  readonly #codecs: readonly ValueCodec[] | undefined;
  readonly secretTexts: SecretTexts | undefined;

  /** The values of the inputs of modules, by the index of their task. */
  readonly moduleInputs = new Map<number, InputValues | undefined>();
  /** Whether outputs are only assumed, so that the inputs of modules are not checked. */
  readonly isAssumed: boolean;

  constructor(codecs?: readonly ValueCodec[], secretTexts?: SecretTexts, isAssumed = false) {
    this.#codecs = codecs;
    this.secretTexts = secretTexts;
    this.isAssumed = isAssumed;
  }

  /** The element or iteration that a task was made for; undefined for one that no template made. */
  originOf(task: Task): Origin | undefined {
    return this.#origins.get(task);
  }

  /** The names of a task where it is written; undefined for a task of the plan itself. */
  namesOf(task: Task): LocalNames | undefined {
    const origin = this.#origins.get(task);
    if (origin !== undefined) return origin;
    const names = moduleNamesOf(task);
    return names && { ...names, localId: names.id };
  }

  /** Takes a task that was read for the copy of the pattern that it is. */
  adopt(task: Task, copy: Task): void {
    const origin = this.#origins.get(copy);
    if (origin !== undefined) this.#origins.set(task, origin);
  }

  /**
   * The items that a fan-out iterates over.
   *
   * @throws {RunnerError} `invalid_input` when there is no list.
   */
  itemsOf(task: Task, inputs: Inputs): readonly unknown[] {
    const { items } = forEachOf(task.forEach as NonNullable<Task['forEach']>);
    return this.kept(itemsOf(items as ItemsSource, inputs));
  }

  /**
   * Items as they may be recorded.
   *
   * @throws {RunnerError} `invalid_input` for items with promises.
   */
  kept(list: readonly unknown[]): readonly unknown[] {
    return this.#keep(this.secretTexts?.value(list) ?? list) as readonly unknown[];
  }

  /**
   * One task for each of the first `count` items.
   *
   * @param from The number of the first one, from 0.
   */
  elementsOf(task: Task, items: readonly unknown[], count: number, from = 0): Task[] {
    return Array.from({ length: count }, (_, index) =>
      this.#element(task, items[index], from + index),
    );
  }

  /** Forgets the item of a task that has settled. */
  forget(task: Task): void {
    this.#origins.delete(task);
  }

  /** @throws {RunnerError} `invalid_input` for items with promises. */
  #keep(value: unknown): unknown {
    try {
      return keep(value, { codecs: this.#codecs });
    } catch (thrown) {
      throw invalid(`its forEach has ${describe(thrown)}`);
    }
  }

  /**
   * The next iteration of a loop.
   *
   * @param iteration Its number, from 1.
   * @param previous The iteration whose output it gets; undefined when there is none.
   */
  iterationOf(loop: Task, iteration: number, previous: string | undefined): Task {
    const { repeat: _, dependencies: __, ...pattern } = loop;
    const id = `${loop.id}#${iteration}`;
    const element = this.#origins.get(loop)?.element;
    const dependencies = previous === undefined ? [] : [previous];
    return this.#copy(loop, { ...pattern, id, dependencies }, { element, iteration });
  }

  #element(fanOut: Task, given: unknown, index: number): Task {
    const { forEach: _, dependencies: __, ...pattern } = fanOut;
    const id = elementId(fanOut.id, index);
    const element = { item: this.#keep(given), index };
    const iteration = this.#origins.get(fanOut)?.iteration;
    return this.#copy(fanOut, { ...pattern, id }, { element, iteration });
  }

  /** @param copy The same task with another id, without what makes it a fan-out or a loop. */
  #copy(pattern: Task, copy: Task, made: Omit<Scope, 'rename'>): Task {
    const { when: _, runAfter: __, subtasks, ...rest } = copy;
    const { id } = copy;
    const siblings = idsOf(subtasks);
    const above = this.namesOf(pattern);
    // In a nested template or in a module, subtasks may refer to tasks around the pattern.
    const rename = (name: string) =>
      siblings.has(name) ? `${id}.${name}` : (above?.rename(name) ?? name);
    const scope = { ...made, rename };
    // The items of a fan-out may be loops, which copy the subtasks themselves.
    const inner = isTemplate(rest) ? subtasks : subtasks && this.#copies(subtasks, scope);
    const task = { ...rest, ...(inner && { subtasks: inner }) };
    const localId = above?.localId ?? pattern.id;
    const dependencies = copy.dependencies?.map(() => PREVIOUS) ?? [];
    this.#origins.set(task, { ...scope, localId, dependencies, isElement: true });
    return task;
  }

  #copies(subtasks: readonly Task[], scope: Scope): Task[] {
    return subtasks.map((task) => {
      const { id: localId, dependencies = [] } = task;
      const inner = isTemplate(task) ? undefined : task.subtasks;
      const copy = {
        ...task,
        id: scope.rename(localId),
        dependencies: dependencies.map(scope.rename),
        ...(inner && { subtasks: this.#copies(inner, scope) }),
      };
      this.#origins.set(copy, { ...scope, localId, dependencies, isElement: false });
      return copy;
    });
  }
}

const [PREVIOUS] = LOOP_NAMES as [string];

/** The id of the task for one element. */
function elementId(id: string, index: number): string {
  return `${id}[${index}]`;
}

/** @throws {RunnerError} `invalid_input` when there are more than `maxItems` items. */
export function requireFewItems({ forEach }: Task, items: readonly unknown[]): void {
  const { maxItems } = forEachOf(forEach as NonNullable<Task['forEach']>);
  if (items.length <= maxItems) return;
  throw invalid(`its forEach has ${items.length} items, and maxItems is ${maxItems}`);
}

/** @throws {RunnerError} `invalid_input` when the id of an element is taken. */
export function requireFreeIds(graph: Graph, elements: readonly Task[]): void {
  for (const id of idsOf(elements)) {
    if (graph.indexOf(id) === undefined) continue;
    throw invalid(`its forEach needs the id "${id}", which is taken`);
  }
}

/** The ids of tasks and of their subtasks at every depth, without those of fan-outs and loops. */
export function idsOf(tasks: readonly Task[] | undefined, into = new Set<string>()): Set<string> {
  for (const task of tasks ?? []) {
    into.add(task.id);
    if (!isTemplate(task)) idsOf(subtasksOf(task), into);
  }
  return into;
}

function itemsOf(source: ItemsSource, inputs: Inputs): readonly unknown[] {
  if (typeof source === 'function') {
    const items: unknown = source(inputs);
    if (Array.isArray(items)) return items;
    const kind = isLate(items) ? 'a promise' : kindOf(items);
    throw invalid(`its forEach function must return a list; it returned ${kind}`);
  }
  const reference = parseReference(source, (id) => Object.hasOwn(inputs, id));
  const items = reference && readPath(inputs[reference.id], reference.path);
  if (Array.isArray(items)) return items;
  throw invalid(`its forEach needs a list at ${source}, but found ${kindOf(items)}`);
}

function kindOf(value: unknown): string {
  if (value === undefined || value === null) return show(value);
  if (typeof value !== 'string') return `a value of type ${typeof value}`;
  return `the string "${value.length <= 60 ? value : `${value.slice(0, 60)}…`}"`;
}

function invalid(message: string): RunnerError {
  return new RunnerError('invalid_input', message);
}
