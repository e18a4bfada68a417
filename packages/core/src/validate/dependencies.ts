import { formatPath } from '../contract/plan-error.js';
import type { StandardSchema } from '../contract/schema.js';
import { isTemplate } from '../contract/task.js';
import { findCycles } from '../graph/cycle.js';
import type { Graph } from '../graph/graph.js';
import { TaskKind } from '../graph/task-kind.js';
import { didYouMean } from '../util/suggest.js';
import { add, membership, type PlanPath, type Problems, quote, shorten } from './checks.js';
import { InputShapes } from './input-shapes.js';
import { checkReferences } from './references.js';

/** The tasks of a plan outside of the graph that is checked. */
export interface OuterTasks {
  /** Whether an id belongs to one of them; tasks of the graph may depend on it. */
  readonly isTaken?: ((id: string) => boolean) | undefined;
  /** Whether an id belongs to a fan-out that may have an item with this number later. */
  readonly isOpenFanOut?: ((id: string, item: number) => boolean) | undefined;
  /** Whether an id belongs to a loop that may have an iteration with this number later. */
  readonly isOpenLoop?: ((id: string, iteration: number) => boolean) | undefined;
  /** The inputs of the plan. */
  readonly planInputs?: StandardSchema | undefined;
  /**
   * The fan-out or loop whose subtasks are the graph: they may depend on its dependencies alone.
   */
  readonly template?:
    | {
        readonly kind: 'fan-out' | 'loop';
        readonly path: PlanPath;
        readonly isDependency: (id: string) => boolean;
        readonly shapes: InputShapes;
      }
    | undefined;
}

/**
 * Checks tasks against each other. Reports ids that are used twice, dependencies on themselves or
 * on unknown tasks, cycles, and references to something that is not an input.
 */
export function checkGraph(problems: Problems, graph: Graph, outer: OuterTasks = {}): void {
  const scope = new Scope(graph, outer);
  reportTakenIds(problems, scope);
  if (graph.uniqueIds < graph.size) reportDuplicates(problems, scope);
  checkDependencies(problems, scope);
  if (!graph.acyclic) reportCycles(problems, scope);
  const { template, planInputs } = outer;
  const shapes = template?.shapes ?? new InputShapes(graph, { planInputs });
  checkReferences(problems, graph, scope.pathOf, shapes);
  checkTemplates(problems, scope, shapes);
}

class Scope {
  readonly graph: Graph;
  readonly outer: OuterTasks;
  #positions: Int32Array | undefined;

  constructor(graph: Graph, outer: OuterTasks) {
    this.graph = graph;
    this.outer = outer;
  }

  /** Where a task is written. Only called for problems, of which most plans have none. */
  readonly pathOf = (index: number): PlanPath => {
    this.#positions ??= this.#allPositions();
    const path: (string | number)[] = [];
    for (let at: number | undefined = index; at !== undefined; at = this.graph.parentOf(at)) {
      path.push(this.#positions[at] as number, 'subtasks');
    }
    path.pop();
    const base = this.outer.template?.path ?? ['tasks'];
    return [...base, ...path.reverse()];
  };

  /** Whether tasks of the graph may depend on this task outside of it. */
  isOutside(id: string): boolean {
    const { isTaken, template } = this.outer;
    return template?.isDependency(id) ?? isTaken?.(id) ?? false;
  }

  /** The position of each task among its siblings. */
  #allPositions(): Int32Array {
    const { graph } = this;
    const positions = new Int32Array(graph.size);
    const counts = new Map<number | undefined, number>();
    for (let index = 0; index < graph.size; index++) {
      const parent = graph.parentOf(index);
      const position = counts.get(parent) ?? 0;
      counts.set(parent, position + 1);
      positions[index] = position;
    }
    return positions;
  }
}

function reportTakenIds(problems: Problems, { graph, outer, pathOf }: Scope): void {
  const { isTaken } = outer;
  if (isTaken === undefined) return;
  for (const [index, { id }] of graph.tasks.entries()) {
    if (!isTaken(id)) continue;
    const message = `the id ${quote(id)} is already used by another task; ids must be unique`;
    add(problems, 'duplicate_id', [...pathOf(index), 'id'], message);
  }
}

function reportDuplicates(problems: Problems, { graph, pathOf }: Scope): void {
  const firsts = new Map<string, number>();
  for (const [index, { id }] of graph.tasks.entries()) {
    const first = firsts.get(id);
    if (first === undefined) firsts.set(id, index);
    else if (id !== '') {
      const place = formatPath(pathOf(first));
      const message = `the id ${quote(id)} is already used by ${place}; ids must be unique`;
      add(problems, 'duplicate_id', [...pathOf(index), 'id'], message);
    }
  }
}

/** A suggestion compares many ids, so only this many problems get one. */
const MAX_SUGGESTIONS = 20;

function checkDependencies(problems: Problems, scope: Scope): void {
  const { graph } = scope;
  // The graph has looked the names up already.
  if (!graph.hasInvalidDependencies && graph.uniqueIds === graph.size) return;
  const suggestions = { left: MAX_SUGGESTIONS };
  for (let index = 0; index < graph.size; index++) {
    reportDependencies(problems, scope, index, suggestions);
  }
}

function reportDependencies(
  problems: Problems,
  scope: Scope,
  index: number,
  suggestions: { left: number },
): void {
  const { graph } = scope;
  const { id, dependencies = [] } = graph.taskOf(index);
  const seen = new Set<string>();
  for (const [position, name] of dependencies.entries()) {
    if (name === '') continue; // Reported by `checkTask`.
    const path = () => [...scope.pathOf(index), 'dependencies', position];
    if (name === id) {
      add(problems, 'self_dependency', path(), `task ${quote(id)} depends on itself`);
    } else if (seen.has(name)) {
      add(problems, 'duplicate_dependency', path(), `${quote(name)} is listed twice`);
    } else if (graph.indexOf(name) === undefined && !scope.isOutside(name)) {
      const suggestion = suggestions.left-- > 0 ? didYouMean(name, graph.ids()) : '';
      add(problems, 'unknown_dependency', path(), missing(name, scope) + suggestion);
    }
    seen.add(name);
  }
}

function missing(name: string, { outer }: Scope): string {
  const { template } = outer;
  return template === undefined
    ? `there is no task ${quote(name)}.`
    : `${quote(name)} is neither a subtask of this ${template.kind} nor one of its dependencies.`;
}

function reportCycles(problems: Problems, { graph, pathOf }: Scope): void {
  for (const cycle of findCycles(graph)) {
    const ids = cycle.map((index) => shorten(graph.taskOf(index).id));
    const shown = ids.length <= 12 ? ids : [...ids.slice(0, 8), '…', ...ids.slice(-3)];
    const message = `dependency cycle: ${shown.join(' → ')} (each depends on the next)`;
    add(problems, 'cycle', [...pathOf(cycle[0] as number), 'dependencies'], message);
  }
}

/** Checks the subtasks of fan-outs and loops, which are templates and not in the graph, and reserved ids. */
function checkTemplates(problems: Problems, scope: Scope, shapes: InputShapes): void {
  const { graph, pathOf, outer } = scope;
  let hasTemplates = outer.isTaken !== undefined;
  for (let index = 0; graph.hasKind(TaskKind.template) && index < graph.size; index++) {
    const task = graph.taskOf(index);
    if (!isTemplate(task)) continue;
    hasTemplates = true;
    const inner = shapes.inside(index);
    if (inner === undefined) continue;
    const isOwnDependency = membership(task.dependencies ?? []);
    checkGraph(problems, inner.graph, {
      isTaken: (id) => graph.indexOf(id) !== undefined || (outer.isTaken?.(id) ?? false),
      template: {
        kind: task.repeat === undefined ? 'fan-out' : 'loop',
        path: [...pathOf(index), 'subtasks'],
        isDependency: (id) => isOwnDependency(id) || (outer.template?.isDependency(id) ?? false),
        shapes: inner,
      },
    });
  }
  if (hasTemplates) reportReservedIds(problems, scope);
}

/** What follows the id of a fan-out or a loop in the ids of its children, and in names of facts. */
const RESERVED = /\[(\d+)\]|#(\d+)(?=$|\.)|#(?:ending|iterations)$/g;

/**
 * Ids such as `analyse[0]` and `draft#1` are reserved: these are the first item of the fan-out `analyse`,
 * and the first iteration of the loop `draft`.
 */
function reportReservedIds(problems: Problems, { graph, pathOf, outer }: Scope): void {
  for (const [index, { id }] of graph.tasks.entries()) {
    for (const { index: end, 1: item, 2: iteration } of id.matchAll(RESERVED)) {
      const owner = id.slice(0, end);
      const known = graph.tasks[graph.indexOf(owner) ?? -1];
      const isItem = item !== undefined;
      const isReserved = isItem
        ? known?.forEach !== undefined || outer.isOpenFanOut?.(owner, Number(item))
        : known?.repeat !== undefined ||
          outer.isOpenLoop?.(owner, Number(iteration ?? Number.POSITIVE_INFINITY));
      if (!isReserved) continue;
      const message = isItem
        ? `ids such as ${quote(`${owner}[0]`)} are reserved for the items of the fan-out ${quote(owner)}`
        : `ids such as ${quote(`${owner}#1`)} are reserved for the loop ${quote(owner)}`;
      add(problems, 'duplicate_id', [...pathOf(index), 'id'], message);
    }
  }
}
