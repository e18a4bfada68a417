import { formatPath } from '../contract/plan-error.js';
import { hasSubtasks, type Task } from '../contract/task.js';
import { findCycles } from '../graph/cycle.js';
import { Graph } from '../graph/graph.js';
import { didYouMean } from '../util/suggest.js';
import { add, type PlanPath, type Problems, quote, shorten } from './checks.js';
import { checkReferences } from './references.js';

/** What surrounds the tasks of a graph. */
export interface Surroundings {
  /** Whether an id belongs to a task outside, which may be depended on. */
  readonly isTaken?: (id: string) => boolean;
  /** Whether it is that of a fan-out that has yet to make its elements. */
  readonly willFanOut?: (id: string) => boolean;
  /** For the subtasks of a fan-out: what they may depend on outside, and where they are. */
  readonly fanOut?: {
    readonly path: PlanPath;
    readonly dependencies: readonly string[];
  };
}

/**
 * What tasks say about each other: ids used twice, dependencies on what is not there or on
 * themselves, cycles, and references to what a task is not given.
 */
export function connectionProblems(
  problems: Problems,
  graph: Graph,
  surroundings: Surroundings = {},
): void {
  const scope = new Scope(graph, surroundings);
  reportTakenIds(problems, scope);
  if (graph.uniqueIds < graph.size) reportDuplicates(problems, scope);
  checkDependencies(problems, scope);
  if (!graph.acyclic) reportCycles(problems, scope);
  checkReferences(problems, graph, scope.pathOf, surroundings.fanOut !== undefined);
  checkFanOuts(problems, scope);
}

class Scope {
  readonly graph: Graph;
  readonly surroundings: Surroundings;
  #paths: PlanPath[] | undefined;

  constructor(graph: Graph, surroundings: Surroundings) {
    this.graph = graph;
    this.surroundings = surroundings;
  }

  /** Where a task is written; worked out when there is something to report. */
  readonly pathOf = (index: number): PlanPath => {
    this.#paths ??= this.#allPaths();
    return this.#paths[index] as PlanPath;
  };

  /** What a dependency outside may be. */
  isOutside(id: string): boolean {
    const { isTaken, fanOut } = this.surroundings;
    return fanOut?.dependencies.includes(id) ?? isTaken?.(id) ?? false;
  }

  #allPaths(): PlanPath[] {
    const { graph, surroundings } = this;
    const base = surroundings.fanOut === undefined ? ['tasks'] : surroundings.fanOut.path;
    const paths: PlanPath[] = [];
    const siblings = new Map<number | undefined, number>();
    for (let index = 0; index < graph.size; index++) {
      const parent = graph.parentOf(index);
      const position = siblings.get(parent) ?? 0;
      siblings.set(parent, position + 1);
      const list = parent === undefined ? base : [...(paths[parent] as PlanPath), 'subtasks'];
      paths.push([...list, position]);
    }
    return paths;
  }
}

function reportTakenIds(problems: Problems, { graph, surroundings, pathOf }: Scope): void {
  const { isTaken } = surroundings;
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

/** Searching for a close id looks at many ids, so only so many typing errors get a suggestion. */
const MAX_SUGGESTIONS = 20;

function checkDependencies(problems: Problems, scope: Scope): void {
  const { graph } = scope;
  // The last task that named a dependency: finds repeats without a set per task.
  const namedBy = new Int32Array(graph.size).fill(-1);
  const ambiguous = graph.uniqueIds < graph.size;
  const suggestions = { left: MAX_SUGGESTIONS };
  for (let index = 0; index < graph.size; index++) {
    // The graph has looked the names up already, and left out those that make no edge.
    let edges = 0;
    graph.eachDependency(index, (dependency) => {
      if (namedBy[dependency] !== index) edges++;
      namedBy[dependency] = index;
    });
    const named = (graph.tasks[index] as Task).dependencies?.length ?? 0;
    if (edges < named || ambiguous) reportDependencies(problems, scope, index, suggestions);
  }
}

function reportDependencies(
  problems: Problems,
  scope: Scope,
  index: number,
  suggestions: { left: number },
): void {
  const { graph } = scope;
  const { id, dependencies = [] } = graph.tasks[index] as Task;
  const seen = new Set<string>();
  for (const [position, name] of dependencies.entries()) {
    if (name === '') continue; // Reported with the shape of the list.
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

function missing(name: string, { surroundings }: Scope): string {
  return surroundings.fanOut === undefined
    ? `there is no task ${quote(name)}.`
    : `${quote(name)} is neither a subtask of this fan-out nor one of its dependencies.`;
}

function reportCycles(problems: Problems, { graph, pathOf }: Scope): void {
  for (const cycle of findCycles(graph)) {
    const ids = cycle.map((index) => shorten((graph.tasks[index] as Task).id));
    const shown = ids.length <= 12 ? ids : [...ids.slice(0, 8), '…', ...ids.slice(-3)];
    const message = `tasks wait for each other: ${shown.join(' → ')} (each depends on the next)`;
    add(problems, 'cycle', [...pathOf(cycle[0] as number), 'dependencies'], message);
  }
}

/** The subtasks of fan-outs, which are patterns and not in the graph, and the ids they will need. */
function checkFanOuts(problems: Problems, scope: Scope): void {
  const { graph, pathOf, surroundings } = scope;
  let fansOut = surroundings.isTaken !== undefined;
  for (let index = 0; index < graph.size; index++) {
    const task = graph.tasks[index] as Task;
    if (task.forEach === undefined) continue;
    fansOut = true;
    if (!hasSubtasks(task)) continue;
    const { dependencies = [], subtasks = [] } = task;
    const outside = surroundings.fanOut?.dependencies ?? [];
    connectionProblems(problems, new Graph(subtasks), {
      isTaken: (id) => graph.indexOf(id) !== undefined || (surroundings.isTaken?.(id) ?? false),
      fanOut: {
        path: [...pathOf(index), 'subtasks'],
        dependencies: dependencies.concat(outside),
      },
    });
  }
  if (fansOut) reportReservedIds(problems, scope);
}

/** `analyse[0]` is the first element's task in the fan-out `analyse`. */
function reportReservedIds(problems: Problems, { graph, pathOf, surroundings }: Scope): void {
  for (const [index, { id }] of graph.tasks.entries()) {
    for (const { index: bracket } of id.matchAll(/\[\d+\]/g)) {
      const owner = id.slice(0, bracket);
      const among = graph.tasks[graph.indexOf(owner) ?? -1];
      if (among?.forEach === undefined && !surroundings.willFanOut?.(owner)) continue;
      const message = `ids that begin with ${quote(owner)} and a number in brackets are those of its elements`;
      add(problems, 'duplicate_id', [...pathOf(index), 'id'], message);
    }
  }
}
