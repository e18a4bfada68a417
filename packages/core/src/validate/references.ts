import type { Condition } from '../contract/condition.js';
import type { ForEach } from '../contract/for-each.js';
import { parseReference } from '../contract/reference.js';
import { doesOwnWork, hasSubtasks, type Task } from '../contract/task.js';
import { parseTemplate } from '../contract/template.js';
import type { Graph } from '../graph/graph.js';
import { didYouMean } from '../util/suggest.js';
import { add, isRecord, membership, type PlanPath, type Problems, quote } from './checks.js';

/** Inputs of the tasks of a fan-out besides their dependencies. */
const ITEM_NAMES = ['item', 'index'];
/** A suggestion compares many names, so only this many problems get one. */
const MAX_SUGGESTIONS = 20;

/**
 * Checks that prompts, conditions and fan-outs refer to inputs of their task alone.
 *
 * @param inFanOut Whether the tasks are subtasks of a fan-out.
 */
export function checkReferences(
  problems: Problems,
  graph: Graph,
  pathOf: (index: number) => PlanPath,
  inFanOut: boolean,
): void {
  const suggestions = { left: MAX_SUGGESTIONS };
  const { tasks } = graph;
  for (let index = 0; index < tasks.length; index++) {
    const task = tasks[index] as Task;
    const { description, when, forEach } = task;
    const interpolates = description?.includes('{{') ?? false;
    if (!interpolates && when === undefined && forEach === undefined && !inFanOut) continue;
    const isForItem = inFanOut || forEach !== undefined;
    const path = () => pathOf(index);
    const checker = new Checker(problems, graph, task, path, inFanOut, suggestions);
    if (isForItem) checker.checkNames();
    if (when !== undefined && typeof when !== 'function') checker.checkCondition(when, ['when']);
    if (forEach !== undefined) checker.checkItems(forEach);
    if (interpolates && doesOwnWork(task)) checker.checkTemplate(description as string, isForItem);
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
  readonly #suggestions: { left: number };
  /** The inputs of conditions and fan-outs. */
  readonly #inputs: readonly string[];
  #names: Names | undefined;

  constructor(
    problems: Problems,
    graph: Graph,
    task: Task,
    path: () => PlanPath,
    inFanOut: boolean,
    suggestions: { left: number },
  ) {
    this.#problems = problems;
    this.#graph = graph;
    this.#task = task;
    this.#path = path;
    this.#suggestions = suggestions;
    const { dependencies = [] } = task;
    this.#inputs = inFanOut ? [...dependencies, ...ITEM_NAMES] : dependencies;
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
    if (typeof path === 'string') this.#check(path, [...at, 'path']);
  }

  checkItems(forEach: ForEach): void {
    const items = isRecord(forEach) ? forEach.items : forEach;
    const at = isRecord(forEach) ? ['forEach', 'items'] : ['forEach'];
    if (typeof items === 'string') this.#check(items, at);
  }

  checkTemplate(text: string, isForItem: boolean): void {
    const subtasks = hasSubtasks(this.#task) ? (this.#task.subtasks ?? []) : [];
    const names = namesOf([
      ...this.#inputs,
      ...(isForItem ? ITEM_NAMES : []),
      ...subtasks.map(({ id }) => id),
    ]);
    for (const part of parseTemplate(text, names.has)) {
      if (typeof part === 'string' || part.id !== undefined) continue;
      const advice = ' Write \\{{ for literal braces.';
      this.#report(part.source, names.list, ['description'], `{{${part.source}}}`, advice);
    }
  }

  #check(source: string, at: PlanPath): void {
    this.#names ??= namesOf(this.#inputs);
    if (parseReference(source, this.#names.has) !== undefined) return;
    this.#report(source, this.#inputs, at, quote(source), '');
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
    const remedy =
      other === undefined
        ? this.#suggestionFor(name, names) || `${listOf(names)}${advice}`
        : ` Add ${quote(other.id)} to the dependencies of ${quote(this.#task.id)}.`;
    const message = `${shown} is not an input of this task.${remedy}`;
    add(this.#problems, 'unknown_reference', [...this.#path(), ...at], message);
  }

  #suggestionFor(name: string, names: readonly string[]): string {
    return this.#suggestions.left-- > 0 ? didYouMean(name, names) : '';
  }
}

function listOf(names: readonly string[]): string {
  if (names.length === 0) return ' It has no dependencies.';
  const shown = names.slice(0, 8).map(quote).join(', ');
  return ` Its inputs are ${shown}${names.length > 8 ? ', …' : ''}.`;
}
