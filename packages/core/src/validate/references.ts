import type { Attachment } from '../contract/attachment.js';
import { type Comparison, type Condition, compare, type Operator } from '../contract/condition.js';
import type { ForEach } from '../contract/for-each.js';
import { savePathKey } from '../contract/output-files.js';
import type { ProblemCode } from '../contract/plan-error.js';
import { PLAN_INPUTS } from '../contract/plan-inputs.js';
import { type Path, parseReference, type Reference } from '../contract/reference.js';
import { type Command, commandOf } from '../contract/step.js';
import { asksModel, doesOwnWork, hasSubtasks, type Task } from '../contract/task.js';
import { parseTemplate } from '../contract/template.js';
import type { Graph } from '../graph/graph.js';
import { isRecord } from '../util/record.js';
import { didYouMean } from '../util/suggest.js';
import { checkBindings } from './bindings.js';
import { add, membership, type PlanPath, type Problems, quote } from './checks.js';
import { kindsText, mayBe } from './kinds.js';
import {
  ANYTHING,
  follow,
  type InputShapes,
  itemsOf,
  kindOf,
  type Missing,
  type Shape,
  shapeOf,
  valuesOf,
} from './shapes.js';
import { hasReferences } from './step.js';

/** Inputs of the tasks of a fan-out besides their dependencies. */
const ITEM_NAMES = ['item', 'index'];
/** A suggestion compares many names, so only this many problems get one. */
const MAX_SUGGESTIONS = 20;
const NONE: readonly never[] = [];

/**
 * Checks that prompts, conditions and fan-outs refer to inputs of their task alone, and to what the
 * schemas of these inputs know.
 *
 * @param shapes What is known of the inputs.
 * @param inFanOut Whether the tasks are subtasks of a fan-out.
 */
export function checkReferences(
  problems: Problems,
  graph: Graph,
  pathOf: (index: number) => PlanPath,
  shapes: InputShapes,
  inFanOut: boolean,
): void {
  const suggestions = { left: MAX_SUGGESTIONS };
  const { tasks } = graph;
  for (let index = 0; index < tasks.length; index++) {
    const task = tasks[index] as Task;
    const { description, when, forEach, save, plan } = task;
    if (task.id === PLAN_INPUTS && shapes.planInputs !== undefined) {
      const message = `"${PLAN_INPUTS}" is what the inputs of the plan are called; give the task another id`;
      add(problems, 'conflict', [...pathOf(index), 'id'], message);
    }
    const interpolates = description?.includes('{{') ?? false;
    const attached = Array.isArray(task.attachments) ? task.attachments : NONE;
    const isPlain =
      asksModel(task) && (save ?? when ?? forEach ?? plan) === undefined && attached.length === 0;
    if (!interpolates && isPlain && !inFanOut) continue;
    const isForItem = inFanOut || forEach !== undefined;
    const path = () => pathOf(index);
    const checker = new Checker(problems, graph, task, path, shapes, inFanOut, suggestions);
    if (isForItem) checker.checkNames();
    if (when !== undefined && typeof when !== 'function') checker.checkCondition(when, ['when']);
    if (forEach !== undefined) checker.checkItems(forEach);
    if (plan !== undefined) checker.checkModule();
    if (!doesOwnWork(task)) continue;
    if (interpolates && asksModel(task)) {
      checker.checkTemplate(description as string, isForItem, ['description']);
    }
    checker.checkStep(isForItem);
    checker.checkAttachments(attached, isForItem);
  }
  if (!inFanOut) reportSharedFiles(problems, graph, pathOf);
}

/** Reports files that two tasks would write. Paths with references are checked when they are known. */
export function reportSharedFiles(
  problems: Problems,
  { tasks }: Graph,
  pathOf: (index: number) => PlanPath,
): void {
  const writers = new Map<string, string>();
  for (const [index, { id, save }] of tasks.entries()) {
    if (typeof save !== 'string' || hasReferences(save)) continue;
    const key = savePathKey(save);
    const writer = writers.get(key);
    if (writer === undefined) writers.set(key, id);
    else {
      const message = `${quote(save)} is already written by ${quote(writer)}; each file has one task`;
      add(problems, 'conflict', [...pathOf(index), 'save'], message);
    }
  }
}

/** The names of the inputs that something may refer to. */
interface Names {
  readonly list: readonly string[];
  readonly has: (name: string) => boolean;
}

function namesOf(list: readonly string[]): Names {
  return { list, has: membership(list) };
}

class Checker {
  readonly #problems: Problems;
  readonly #graph: Graph;
  readonly #task: Task;
  readonly #path: () => PlanPath;
  readonly #shapes: InputShapes;
  readonly #suggestions: { left: number };
  /** The inputs of conditions and fan-outs. */
  readonly #inputs: readonly string[];
  #names: Names | undefined;

  constructor(
    problems: Problems,
    graph: Graph,
    task: Task,
    path: () => PlanPath,
    shapes: InputShapes,
    inFanOut: boolean,
    suggestions: { left: number },
  ) {
    this.#problems = problems;
    this.#graph = graph;
    this.#task = task;
    this.#path = path;
    this.#shapes = shapes;
    this.#suggestions = suggestions;
    const { dependencies = [] } = task;
    const isPlain = !inFanOut && shapes.planInputs === undefined;
    this.#inputs = isPlain
      ? dependencies
      : [
          ...dependencies,
          ...(inFanOut ? ITEM_NAMES : []),
          ...(shapes.planInputs === undefined ? [] : [PLAN_INPUTS]),
        ];
  }

  /** Reports tasks that are called like an item of a fan-out or its position. */
  checkNames(): void {
    const { id, dependencies = [] } = this.#task;
    for (const name of ITEM_NAMES) {
      if (name !== id && !dependencies.includes(name)) continue;
      const message = `"${name}" is a reserved name in a fan-out; give that task another id`;
      add(this.#problems, 'conflict', this.#path(), message);
    }
  }

  checkCondition(condition: Condition, at: PlanPath): void {
    if (!isRecord(condition)) return; // Reported by `checkTask`.
    const { all, any, not, path } = condition as Record<string, unknown>;
    for (const [key, parts] of Object.entries({ all, any })) {
      if (!Array.isArray(parts)) continue;
      for (const [position, part] of parts.entries()) {
        this.checkCondition(part as Condition, [...at, key, position]);
      }
    }
    if (not !== undefined) this.checkCondition(not as Condition, [...at, 'not']);
    if (typeof path !== 'string') return;
    const shape = this.#check(path, [...at, 'path']);
    if (shape !== undefined) this.#checkComparison(condition as unknown as Comparison, shape, at);
  }

  checkItems(forEach: ForEach): void {
    const items = isRecord(forEach) ? forEach.items : forEach;
    const at = isRecord(forEach) ? ['forEach', 'items'] : ['forEach'];
    if (typeof items !== 'string') return;
    const shape = this.#check(items, at);
    if (shape === undefined || mayBe(shape, ['array'])) return;
    this.#add(
      'invalid_value',
      at,
      `${quote(items)} is not a list: its schema says ${kindsText(shape)}`,
    );
  }

  /** Checks what a tool or a command is given, and where the output is saved. */
  checkStep(isForItem: boolean): void {
    const { args, command, save } = this.#task;
    const check = (text: string, at: PlanPath, maySeeSecrets: boolean) =>
      this.checkTemplate(text, isForItem, at, maySeeSecrets);
    if (isRecord(args)) eachText(args, ['args'], (text, at) => check(text, at, true));
    if (isRecord(command) || Array.isArray(command)) {
      const isList = Array.isArray(command);
      const { argv, cwd, env, stdin } = commandOf(command as Command);
      // Other users of a machine see the arguments of its processes.
      eachText(argv, isList ? ['command'] : ['command', 'argv'], (text, at) =>
        check(text, at, false),
      );
      eachText({ cwd }, ['command'], (text, at) => check(text, at, false));
      eachText({ env, stdin }, ['command'], (text, at) => check(text, at, true));
    }
    if (typeof save !== 'string') return;
    check(save, ['save'], false);
    if (!isForItem || hasReferences(save)) return;
    const message = 'is one file for all items; add {{index}} or a part of {{item}} to the path';
    this.#add('conflict', ['save'], message);
  }

  checkAttachments(attached: readonly (string | Attachment)[], isForItem: boolean): void {
    for (const [position, each] of attached.entries()) {
      const at = ['attachments', position];
      if (typeof each === 'string') this.checkTemplate(each, isForItem, at);
      else if (isRecord(each)) {
        const { path, url } = each as Attachment;
        eachText({ path, url }, at, (text, place) => this.checkTemplate(text, isForItem, place));
      }
    }
  }

  checkTemplate(text: string, isForItem: boolean, at: PlanPath, maySeeSecrets = false): void {
    if (!text.includes('{{')) return;
    const subtasks = hasSubtasks(this.#task) ? (this.#task.subtasks ?? []) : [];
    const names = namesOf([
      ...this.#inputs,
      ...(isForItem ? ITEM_NAMES : []),
      ...subtasks.map(({ id }) => id),
    ]);
    for (const part of parseTemplate(text, names.has)) {
      if (typeof part === 'string') continue;
      if (part.id !== undefined) {
        const { id, path } = part;
        this.#shapeAt({ id, path }, at, `{{${part.source}}}`, maySeeSecrets);
        continue;
      }
      const advice = ' Write \\{{ for literal braces.';
      this.#report(part.source, names.list, at, `{{${part.source}}}`, advice);
    }
  }

  /** Checks the values that a module gets; in a fan-out of modules, they may refer to the item. */
  checkModule(): void {
    const isForItem = this.#task.forEach !== undefined;
    const names = namesOf([...this.#inputs, ...(isForItem ? ITEM_NAMES : [])]);
    checkBindings(this.#task, {
      problems: this.#problems,
      path: this.#path(),
      isInput: names.has,
      isSecret: ({ id, path }) => id !== undefined && path.length === 1 && this.#isSecret(id, path),
      resolve: ({ source, id, path }, at) => {
        const within = at.slice(this.#path().length);
        if (id !== undefined) return this.#shapeAt({ id, path }, within, `{{${source}}}`);
        const advice = ' Write \\{{ for literal braces.';
        this.#report(source, names.list, within, `{{${source}}}`, advice);
        return undefined;
      },
    });
  }

  #check(source: string, at: PlanPath): Shape | undefined {
    this.#names ??= namesOf(this.#inputs);
    const reference = parseReference(source, this.#names.has);
    if (reference !== undefined) return this.#shapeAt(reference, at, quote(source));
    this.#report(source, this.#inputs, at, quote(source), '');
    return undefined;
  }

  /** Reports a path that the schema of an input does not know. */
  #shapeAt(
    { id, path }: Reference,
    at: PlanPath,
    shown: string,
    maySeeSecrets = false,
  ): Shape | undefined {
    if (!maySeeSecrets && this.#isSecret(id, path)) {
      const message = `${shown} would be sent or recorded, and secret inputs are for functions and tools alone`;
      this.#add('conflict', at, message);
      return undefined;
    }
    const found = ITEM_NAMES.includes(id)
      ? follow(id === 'item' ? this.#item() : shapeOf({ type: 'number' }), path)
      : this.#shapes.at(id, path);
    if (!('step' in found)) return found;
    const { step, names } = found as Missing;
    const remedy = this.#suggestionFor(String(step), names) || fieldsText(names);
    const message =
      id === PLAN_INPUTS && this.#shapes.planInputs !== undefined && path.length === 1
        ? `${shown}: the plan has no input ${quote(String(step))}.${remedy}`
        : `${shown} is not in the output of ${quote(id)}: its schema has no ${quote(String(step))} there.${remedy}`;
    this.#add('unknown_reference', at, message);
    return undefined;
  }

  #isSecret(id: string, path: Path): boolean {
    const { planInputs, secrets } = this.#shapes;
    if (id !== PLAN_INPUTS || planInputs === undefined || secrets.length === 0) return false;
    return path.length === 0 || secrets.includes(String(path[0]));
  }

  /** The item of this fan-out, or of the one around. */
  #item(): Shape {
    const { forEach } = this.#task;
    if (forEach === undefined) return this.#shapes.item;
    return itemShapeOf(this.#task, this.#shapes);
  }

  #checkComparison({ operator, value }: Comparison, shape: Shape, at: PlanPath): void {
    const problem = comparisonProblem(operator, value, shape);
    if (problem !== undefined) this.#add('invalid_value', [...at, 'value'], problem);
  }

  #add(code: ProblemCode, at: PlanPath, message: string): void {
    add(this.#problems, code, [...this.#path(), ...at], message);
  }

  #report(
    source: string,
    names: readonly string[],
    at: PlanPath,
    shown: string,
    advice: string,
  ): void {
    const other = parseReference(source, (id) => this.#graph.indexOf(id) !== undefined);
    const name = /^[^.[]*/.exec(source)?.[0] ?? source;
    const isOfItem = ITEM_NAMES.includes(name) && this.#task.forEach !== undefined;
    const remedy = isOfItem
      ? ' A fan-out checks it once, before it has items; use it in its subtasks.'
      : other === undefined
        ? this.#suggestionFor(name, names) || `${listOf(names)}${advice}`
        : ` Add ${quote(other.id)} to the dependencies of ${quote(this.#task.id)}.`;
    const message = `${shown} is not an input of this task.${remedy}`;
    this.#add('unknown_reference', at, message);
  }

  #suggestionFor(name: string, names: readonly string[]): string {
    return this.#suggestions.left-- > 0 ? didYouMean(name, names) : '';
  }
}

/** Calls `visit` with each text in a value. */
function eachText(
  value: unknown,
  at: PlanPath,
  visit: (text: string, at: PlanPath) => void,
  depth = 0,
): void {
  if (typeof value === 'string') visit(value, at);
  // What is deeper is reported by `checkTask`.
  if (typeof value !== 'object' || value === null || depth > 60) return;
  for (const [key, each] of Object.entries(value)) {
    eachText(each, [...at, Array.isArray(value) ? Number(key) : key], visit, depth + 1);
  }
}

function listOf(names: readonly string[]): string {
  if (names.length === 0) return ' It has no dependencies.';
  const shown = names.slice(0, 8).map(quote).join(', ');
  return ` Its inputs are ${shown}${names.length > 8 ? ', …' : ''}.`;
}

/** The item that each task of a fan-out gets. */
export function itemShapeOf({ forEach, dependencies = [] }: Task, shapes: InputShapes): Shape {
  const items = isRecord(forEach) ? forEach.items : forEach;
  const isPlanInputs = (name: string) => name === PLAN_INPUTS && shapes.planInputs !== undefined;
  const has = (name: string) =>
    dependencies.includes(name) || ITEM_NAMES.includes(name) || isPlanInputs(name);
  const reference = typeof items === 'string' ? parseReference(items, has) : undefined;
  if (reference === undefined) return ANYTHING;
  const { id, path } = reference;
  const list = id === 'item' ? follow(shapes.item, path) : shapes.at(id, path);
  return 'step' in list ? ANYTHING : itemsOf(list);
}

/** Why a comparison can never hold, or always holds; undefined when it depends on the value. */
export function comparisonProblem(
  operator: Operator,
  value: unknown,
  shape: Shape,
): string | undefined {
  switch (operator) {
    case '==':
    case '!=': {
      const values = shape.map(valuesOf);
      if (values.every((each) => each !== undefined)) {
        const known = values.flat();
        if (known.some((each) => compare(each, '==', value))) return undefined;
        const texts = known.filter((each) => typeof each === 'string');
        const suggestion = typeof value === 'string' ? didYouMean(value, texts) : '';
        return `must be one of ${known.map((each) => JSON.stringify(each)).join(', ')}.${suggestion}`;
      }
      return mayBe(shape, [kindOf(value)])
        ? undefined
        : `must be ${kindsText(shape)}, as the schema says`;
    }
    case 'contains':
      if (!mayBe(shape, ['array', 'string']))
        return `the value at the path has no parts: it is ${kindsText(shape)}`;
      return mayBe(shape, ['string']) ? undefined : comparisonProblem('==', value, itemsOf(shape));
    case 'matches':
      return mayBe(shape, ['string'])
        ? undefined
        : `only text matches a pattern; the value at the path is ${kindsText(shape)}`;
    default:
      return mayBe(shape, [kindOf(value)])
        ? undefined
        : `must be ${kindsText(shape)}, as the schema says`;
  }
}

function fieldsText(names: readonly string[]): string {
  if (names.length === 0) return '';
  return ` Known fields are ${names.slice(0, 12).join(', ')}${names.length > 12 ? ', …' : ''}.`;
}
