import type { Condition } from '../contract/condition.js';
import type { ForEach } from '../contract/for-each.js';
import { parseReference } from '../contract/reference.js';
import { doesOwnWork, hasSubtasks, type Task } from '../contract/task.js';
import { parseTemplate } from '../contract/template.js';
import type { Graph } from '../graph/graph.js';
import { didYouMean } from '../util/suggest.js';
import { add, isRecord, type PlanPath, type Problems, quote } from './checks.js';

/** What a fan-out gives to its elements besides. */
const ELEMENT_NAMES = ['item', 'index'];

/**
 * Checks that prompts, conditions and fan-outs refer to nothing but what the task is given.
 *
 * @param inFanOut Whether the tasks are a fan-out's subtasks.
 */
export function checkReferences(
  problems: Problems,
  graph: Graph,
  pathOf: (index: number) => PlanPath,
  inFanOut: boolean,
): void {
  for (let index = 0; index < graph.size; index++) {
    const task = graph.tasks[index] as Task;
    const { description, when, forEach } = task;
    const interpolates = description?.includes('{{') ?? false;
    if (!interpolates && when === undefined && forEach === undefined && !inFanOut) continue;
    const isElement = inFanOut || forEach !== undefined;
    const checker = new Checker(problems, graph, task, pathOf(index), inFanOut);
    if (isElement) checker.checkNames();
    if (when !== undefined && typeof when !== 'function') checker.checkCondition(when, ['when']);
    if (forEach !== undefined) checker.checkItems(forEach);
    if (interpolates && doesOwnWork(task)) checker.checkTemplate(description as string, isElement);
  }
}

class Checker {
  readonly #problems: Problems;
  readonly #graph: Graph;
  readonly #task: Task;
  readonly #path: PlanPath;
  /** What conditions and fan-outs may refer to. */
  readonly #names: readonly string[];

  constructor(problems: Problems, graph: Graph, task: Task, path: PlanPath, inFanOut: boolean) {
    this.#problems = problems;
    this.#graph = graph;
    this.#task = task;
    this.#path = path;
    this.#names = [...(task.dependencies ?? []), ...(inFanOut ? ELEMENT_NAMES : [])];
  }

  /** In a fan-out, some names are taken. */
  checkNames(): void {
    const { id, dependencies = [] } = this.#task;
    for (const name of ELEMENT_NAMES) {
      if (name !== id && !dependencies.includes(name)) continue;
      const message = `"${name}" stands for the element in a fan-out; give that task another id`;
      add(this.#problems, 'conflict', this.#path, message);
    }
  }

  checkCondition(condition: Condition, at: PlanPath): void {
    if (!isRecord(condition)) return; // Reported by its shape.
    const { all, any, not, path } = condition as Record<string, unknown>;
    for (const [key, parts] of Object.entries({ all, any })) {
      if (!Array.isArray(parts)) continue;
      for (const [position, part] of parts.entries()) {
        this.checkCondition(part as Condition, [...at, key, position]);
      }
    }
    if (not !== undefined) this.checkCondition(not as Condition, [...at, 'not']);
    if (typeof path === 'string') this.#check(path, this.#names, [...at, 'path']);
  }

  checkItems(forEach: ForEach): void {
    const items = isRecord(forEach) ? forEach.items : forEach;
    const at = isRecord(forEach) ? ['forEach', 'items'] : ['forEach'];
    if (typeof items === 'string') this.#check(items, this.#names, at);
  }

  checkTemplate(text: string, isElement: boolean): void {
    const names = isElement ? [...this.#names, ...ELEMENT_NAMES] : [...this.#names];
    if (hasSubtasks(this.#task)) for (const { id } of this.#task.subtasks ?? []) names.push(id);
    for (const part of parseTemplate(text, (id) => names.includes(id))) {
      if (typeof part === 'string' || part.id !== undefined) continue;
      const braces = ' Write \\{{ for braces that are text.';
      this.#report(part.source, names, ['description'], `{{${part.source}}}`, braces);
    }
  }

  #check(source: string, names: readonly string[], at: PlanPath): void {
    if (parseReference(source, (id) => names.includes(id)) !== undefined) return;
    this.#report(source, names, at, quote(source), '');
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
        ? didYouMean(name, names) || `${known(names)}${advice}`
        : ` Add ${quote(other.id)} to the dependencies of ${quote(this.#task.id)}.`;
    const message = `${shown} refers to nothing that this task is given.${remedy}`;
    add(this.#problems, 'unknown_reference', [...this.#path, ...at], message);
  }
}

function known(names: readonly string[]): string {
  if (names.length === 0) return ' It has no dependencies.';
  const shown = names.slice(0, 8).map(quote).join(', ');
  return ` It is given ${shown}${names.length > 8 ? ', …' : ''}.`;
}
