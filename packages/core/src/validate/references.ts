import type { Attachment } from '../contract/attachment.js';
import type { Comparison, Condition } from '../contract/condition.js';
import type { ForEach } from '../contract/for-each.js';
import { savePathKey } from '../contract/output-files.js';
import type { ProblemCode } from '../contract/plan-error.js';
import { PLAN_INPUTS } from '../contract/plan-inputs.js';
import { type Path, parseReference, type Reference } from '../contract/reference.js';
import { LOOP_FACTS, LOOP_NAMES, loopFact, type Repeat } from '../contract/repeat.js';
import { type Command, commandOf } from '../contract/step.js';
import { asksModel, doesOwnWork, hasSubtasks, isTemplate, type Task } from '../contract/task.js';
import { parseTemplate } from '../contract/template.js';
import type { Graph } from '../graph/graph.js';
import { isRecord } from '../util/record.js';
import { didYouMean } from '../util/suggest.js';
import { checkBindings } from './bindings.js';
import { add, membership, type PlanPath, type Problems, quote } from './checks.js';
import { comparisonProblem } from './comparisons.js';
import type { ImplicitInputs, InputShapes } from './input-shapes.js';
import { kindsText, mayBe } from './kinds.js';
import type { Missing, Shape } from './shapes.js';
import { hasReferences } from './step.js';

/** Inputs of the tasks of a fan-out besides their dependencies. */
const ITEM_NAMES = ['item', 'index'];
/** A suggestion compares many names, so only this many problems get one. */
const MAX_SUGGESTIONS = 20;
const NONE: readonly never[] = [];

/**
 * Checks that prompts, conditions, fan-outs and loops refer to inputs of their task alone, and to what the
 * schemas of these inputs know.
 *
 * @param shapes What is known of the inputs.
 */
export function checkReferences(
  problems: Problems,
  graph: Graph,
  pathOf: (index: number) => PlanPath,
  shapes: InputShapes,
): void {
  const suggestions = { left: MAX_SUGGESTIONS };
  // In a function of its own: closures in the loop would cost memory for each task, and most need none.
  const check = (index: number) => {
    const checker = new Checker(problems, index, () => pathOf(index), shapes, suggestions);
    checkTaskReferences(graph.taskOf(index), checker, isInside);
  };
  const { tasks } = graph;
  const isInside = shapes.implicit.size > 0;
  for (let index = 0; index < tasks.length; index++) {
    const task = tasks[index] as Task;
    const { description, when, save, plan, attachments } = task;
    if (task.id === PLAN_INPUTS && shapes.planInputs !== undefined) {
      const message = `"${PLAN_INPUTS}" is what the inputs of the plan are called; give the task another id`;
      add(problems, 'conflict', [...pathOf(index), 'id'], message);
    }
    const isPlain =
      (task.tool ?? task.command ?? save ?? when ?? plan ?? attachments) === undefined;
    const mayRefer = !isPlain || isInside || isTemplate(task) || description?.includes('{{');
    if (mayRefer) check(index);
  }
  if (!isInside) reportSharedFiles(problems, graph, pathOf);
}

function checkTaskReferences(task: Task, checker: Checker, isInside: boolean): void {
  const { description = '', when, forEach, repeat, plan, attachments } = task;
  if (isInside || isTemplate(task)) checker.checkNames();
  if (when !== undefined && typeof when !== 'function') checker.checkWhen(when);
  if (forEach !== undefined) checker.checkItems(forEach);
  if (repeat !== undefined) checker.checkUntil(repeat);
  if (plan !== undefined) checker.checkModule();
  if (!doesOwnWork(task)) return;
  if (description.includes('{{') && asksModel(task)) {
    checker.checkTemplate(description, ['description']);
  }
  checker.checkStep();
  checker.checkAttachments(Array.isArray(attachments) ? attachments : NONE);
}

/** Reports files that two tasks would write. Paths with references are checked when they are known. */
export function reportSharedFiles(
  problems: Problems,
  { tasks }: Graph,
  pathOf: (index: number) => PlanPath,
): void {
  const writers = new Map<string, string>();
  for (let index = 0; index < tasks.length; index++) {
    const { id, save } = tasks[index] as Task;
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
  readonly shapeOf: (id: string, path: Path) => Shape | Missing;
}

class Checker {
  readonly #problems: Problems;
  readonly #index: number;
  readonly #task: Task;
  readonly #path: () => PlanPath;
  readonly #shapes: InputShapes;
  readonly #suggestions: { left: number };
  /** The inputs besides `implicit` ones. */
  readonly #inputs: readonly string[];
  /** The inputs of conditions and lists. */
  #names: Names | undefined;
  /** The inputs of each attempt. */
  #ownImplicit: ImplicitInputs | undefined;

  constructor(
    problems: Problems,
    index: number,
    path: () => PlanPath,
    shapes: InputShapes,
    suggestions: { left: number },
  ) {
    this.#problems = problems;
    this.#index = index;
    this.#task = shapes.graph.taskOf(index);
    this.#path = path;
    this.#shapes = shapes;
    this.#suggestions = suggestions;
    const { dependencies = [] } = this.#task;
    const facts = this.#factsOf(dependencies, shapes);
    const hasInputs = shapes.planInputs !== undefined;
    this.#inputs =
      facts.length === 0 && !hasInputs
        ? dependencies
        : [...dependencies, ...facts, ...(hasInputs ? [PLAN_INPUTS] : [])];
  }

  get #implicit(): ImplicitInputs {
    this.#ownImplicit ??= this.#shapes.implicitFor(this.#index);
    return this.#ownImplicit;
  }

  /** Reports tasks that are called like an item of a fan-out, or like another implicit input. */
  checkNames(): void {
    const { id, dependencies = [] } = this.#task;
    for (const name of this.#implicit.keys()) {
      if (name !== id && !dependencies.includes(name)) continue;
      const place = ITEM_NAMES.includes(name) ? 'fan-out' : 'loop';
      const message = `"${name}" is a reserved name in a ${place}; give that task another id`;
      add(this.#problems, 'conflict', this.#path(), message);
    }
  }

  checkWhen(when: Condition): void {
    this.#checkCondition(when, ['when'], this.#namesAtStart());
  }

  checkItems(forEach: ForEach): void {
    const items = isRecord(forEach) ? forEach.items : forEach;
    const at = isRecord(forEach) ? ['forEach', 'items'] : ['forEach'];
    if (typeof items !== 'string') return;
    const shape = this.#check(items, at, this.#namesAtStart());
    if (shape === undefined || mayBe(shape, ['array'])) return;
    this.#add(
      'invalid_value',
      at,
      `${quote(items)} is not a list: its schema says ${kindsText(shape)}`,
    );
  }

  /** The condition of a loop also has the output of the iteration, under the id of the loop. */
  checkUntil({ until }: Repeat): void {
    if (typeof until === 'function' || until === undefined) return;
    const { id } = this.#task;
    const names = this.#namesOf([id, ...this.#subtaskIds(), ...this.#inputs], this.#implicit);
    const shapeOf = (name: string, path: Path) =>
      name === id ? this.#shapes.outputAt(this.#index, path) : names.shapeOf(name, path);
    this.#checkCondition(until, ['repeat', 'until'], { ...names, shapeOf });
  }

  /** Checks what a tool or a command is given, and where the output is saved. */
  checkStep(): void {
    const { args, command, save } = this.#task;
    const check = (text: string, at: PlanPath, maySeeSecrets: boolean) =>
      this.checkTemplate(text, at, maySeeSecrets);
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
    // The iterations of a loop follow each other, and the last one is what counts.
    if (!this.#implicit.has('item') || hasReferences(save)) return;
    const message = 'is one file for all items; add {{index}} or a part of {{item}} to the path';
    this.#add('conflict', ['save'], message);
  }

  checkAttachments(attached: readonly (string | Attachment)[]): void {
    for (const [position, each] of attached.entries()) {
      const at = ['attachments', position];
      if (typeof each === 'string') this.checkTemplate(each, at);
      else if (isRecord(each)) {
        const { path, url } = each as Attachment;
        eachText({ path, url }, at, (text, place) => this.checkTemplate(text, place));
      }
    }
  }

  checkTemplate(text: string, at: PlanPath, maySeeSecrets = false): void {
    if (!text.includes('{{')) return;
    const names = this.#namesOf([...this.#inputs, ...this.#subtaskIds()], this.#implicit);
    for (const part of parseTemplate(text, names.has)) {
      if (typeof part === 'string') continue;
      if (part.id !== undefined) {
        const { id, path } = part;
        this.#shapeAt({ id, path }, at, `{{${part.source}}}`, names, maySeeSecrets);
        continue;
      }
      const advice = ' Write \\{{ for literal braces.';
      this.#report(part.source, names.list, at, `{{${part.source}}}`, advice);
    }
  }

  /** Checks the values that a module gets; in a template of modules, they may refer to the item or the iteration. */
  checkModule(): void {
    const names = this.#namesOf(this.#inputs, this.#implicit);
    checkBindings(this.#task, {
      problems: this.#problems,
      path: this.#path(),
      isInput: names.has,
      isSecret: ({ id, path }) => id !== undefined && path.length === 1 && this.#isSecret(id, path),
      resolve: ({ source, id, path }, at) => {
        const within = at.slice(this.#path().length);
        if (id !== undefined) return this.#shapeAt({ id, path }, within, `{{${source}}}`, names);
        const advice = ' Write \\{{ for literal braces.';
        this.#report(source, names.list, within, `{{${source}}}`, advice);
        return undefined;
      },
    });
  }

  #subtaskIds(): string[] {
    if (!hasSubtasks(this.#task)) return [];
    const ids = (this.#task.subtasks ?? []).map(({ id }) => id);
    return [...ids, ...this.#factsOf(ids, this.#shapes.inside(this.#index) ?? this.#shapes)];
  }

  /** What the loops among these tasks tell besides their outputs. */
  #factsOf(ids: readonly string[], shapes: InputShapes): string[] {
    if (!shapes.hasLoops) return [];
    const loops = ids.filter((id) => shapes.isLoop(id));
    return loops.flatMap((id) => LOOP_FACTS.map((fact) => loopFact(id, fact)));
  }

  /** The names that are known when a fan-out or a loop begins. */
  #namesAtStart(): Names {
    this.#names ??= this.#namesOf(this.#inputs, this.#shapes.implicit);
    return this.#names;
  }

  #namesOf(known: readonly string[], implicit: ImplicitInputs): Names {
    const shapes = this.#shapes;
    const list = implicit.size === 0 ? known : [...known, ...implicit.keys()];
    const shapeOf = (id: string, path: Path) => {
      const given = implicit.get(id);
      if (given !== undefined) return given(path);
      // The subtasks of a fan-out or a loop are not in the graph; what is not inside is looked for around.
      return (shapes.inside(this.#index) ?? shapes).at(id, path);
    };
    return { list, has: membership(list), shapeOf };
  }

  #checkCondition(condition: Condition, at: PlanPath, names: Names): void {
    if (!isRecord(condition)) return; // Reported by `checkTask`.
    const { all, any, not, path } = condition as Record<string, unknown>;
    for (const [key, parts] of Object.entries({ all, any })) {
      if (!Array.isArray(parts)) continue;
      for (const [position, part] of parts.entries()) {
        this.#checkCondition(part as Condition, [...at, key, position], names);
      }
    }
    if (not !== undefined) this.#checkCondition(not as Condition, [...at, 'not'], names);
    if (typeof path !== 'string') return;
    const shape = this.#check(path, [...at, 'path'], names);
    if (shape !== undefined) this.#checkComparison(condition as unknown as Comparison, shape, at);
  }

  #check(source: string, at: PlanPath, names: Names): Shape | undefined {
    const reference = parseReference(source, names.has);
    if (reference !== undefined) return this.#shapeAt(reference, at, quote(source), names);
    this.#report(source, names.list, at, quote(source), '');
    return undefined;
  }

  /** Reports a path that the schema of an input does not know. */
  #shapeAt(
    { id, path }: Reference,
    at: PlanPath,
    shown: string,
    names: Names,
    maySeeSecrets = false,
  ): Shape | undefined {
    if (!maySeeSecrets && this.#isSecret(id, path)) {
      const message = `${shown} would be sent or recorded, and secret inputs are for functions and tools alone`;
      this.#add('conflict', at, message);
      return undefined;
    }
    const found = names.shapeOf(id, path);
    if (!('step' in found)) return found;
    const { step, names: fields } = found as Missing;
    const remedy = this.#suggestionFor(String(step), fields) || fieldsText(fields);
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
    const other = parseReference(source, (id) => this.#shapes.graph.indexOf(id) !== undefined);
    const name = /^[^.[]*/.exec(source)?.[0] ?? source;
    const { forEach, repeat } = this.#task;
    const isOfItem = ITEM_NAMES.includes(name) && forEach !== undefined;
    const isOfLoop = LOOP_NAMES.includes(name) && repeat !== undefined;
    const remedy = isOfItem
      ? ' A fan-out checks it once, before it has items; use it in its subtasks.'
      : isOfLoop
        ? ' A loop checks it once, before its first iteration; use it in until.'
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

function fieldsText(names: readonly string[]): string {
  if (names.length === 0) return '';
  return ` Known fields are ${names.slice(0, 12).join(', ')}${names.length > 12 ? ', …' : ''}.`;
}
