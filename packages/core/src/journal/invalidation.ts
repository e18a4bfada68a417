import type { EventData } from '../contract/journal.js';
import type { Task } from '../contract/task.js';
import type { Graph } from '../graph/graph.js';
import { TaskKind } from '../graph/task-kind.js';
import type { TaskData } from '../serialize/plan.js';
import type { RunState } from '../state/run-state.js';

/** The tasks of a changed plan that are not what they were, by index. */
export interface Changes {
  /** Those that begin with something else. */
  readonly beginnings: ReadonlySet<number>;
  /** Groups that begin as they did, and of which something else may come. */
  readonly outcomes: ReadonlySet<number>;
}

/** What of a run so far is still so under a changed plan; by id, also of what came while it ran. */
export interface Remains {
  /** The tasks that are part of the run. */
  readonly there: ReadonlySet<string>;
  /** Those of them that are what they were, and are given what they were given. */
  readonly kept: ReadonlySet<string>;
}

/**
 * Follows what has changed through the run as it was: what depends on it, what belongs to it, and what
 * it has added. An added task that has lost what it depends on is added again by whoever added it.
 */
export function remainsOf(
  log: readonly EventData[],
  state: RunState,
  after: Graph,
  changes: Changes,
): Remains {
  const { graph } = state;
  const additions = new Additions(log, graph);
  const gone = new Set<number>();
  const again = new Set<number>();
  const outcomes = new Set<number>();
  const stack: number[] = [];
  const put = (set: Set<number>, index: number) => {
    if (set.has(index) || gone.has(index)) return;
    set.add(index);
    stack.push(index);
  };
  const lose = (index: number) => put(gone, index);
  const redo = (index: number) => put(again, index);
  // A fan-out has its elements from its beginning on, and all of them or none.
  const come = (index: number) => (isFanOut(graph, index) ? redo(index) : put(outcomes, index));
  const isInPlan = (index: number) => after.indexOf(idAt(graph, index)) !== undefined;

  for (let index = 0; index < graph.size; index++) {
    const now = after.indexOf(idAt(graph, index));
    if (additions.isAdded(index)) {
      if (now !== undefined) lose(index);
    } else if (now === undefined) {
      if (!additions.comesOfAnother(index)) lose(index);
    } else if (changes.beginnings.has(now)) redo(index);
    else if (changes.outcomes.has(now)) come(index);
  }
  for (let index = stack.pop(); index !== undefined; index = stack.pop()) {
    const isGone = gone.has(index);
    if (isGone || again.has(index)) {
      graph.eachChild(index, isGone || isFanOut(graph, index) ? lose : redo);
    }
    graph.eachDependent(index, (dependent) => {
      const added = isGone ? additions.outermost(dependent) : undefined;
      if (added === undefined) redo(dependent);
      else lose(added);
    });
    for (const added of additions.by(index)) {
      if (isGone || again.has(index)) lose(added);
    }
    const adder = additions.adderOf(index);
    // The plan itself may have taken its place.
    if (isGone && adder !== undefined && !isInPlan(index)) redo(adder);
    const parent = graph.parentOf(index);
    if (parent !== undefined) come(parent);
  }
  const there = new Set<string>();
  const kept = new Set<string>();
  for (let index = 0; index < graph.size; index++) {
    if (gone.has(index)) continue;
    there.add(idAt(graph, index));
    if (!again.has(index) && !outcomes.has(index)) kept.add(idAt(graph, index));
  }
  return { there, kept };
}

/** The tasks that were added while a run went on, without those that fan-outs made. */
class Additions {
  readonly #graph: Graph;
  /** For each of them, the task whose attempt added it, if one did. */
  readonly #adders = new Map<number, number | undefined>();
  readonly #by = new Map<number, number[]>();

  constructor(log: readonly EventData[], graph: Graph) {
    this.#graph = graph;
    for (const { type, source, tasks, taskId } of log) {
      if (type !== 'tasks_added' || source === 'for_each') continue;
      const adder = taskId === undefined ? undefined : graph.indexOf(taskId);
      const added = (tasks as readonly TaskData[]).map(({ id }) => graph.indexOf(id) as number);
      for (const index of added) this.#adders.set(index, adder);
      if (adder !== undefined) this.#by.set(adder, this.by(adder).concat(added));
    }
  }

  isAdded(index: number): boolean {
    return this.#adders.has(index);
  }

  adderOf(index: number): number | undefined {
    return this.#adders.get(index);
  }

  by(adder: number): readonly number[] {
    return this.#by.get(adder) ?? [];
  }

  /** The added task that it is or belongs to. */
  outermost(index: number): number | undefined {
    for (let at: number | undefined = index; at !== undefined; at = this.#graph.parentOf(at)) {
      if (this.isAdded(at)) return at;
    }
    return undefined;
  }

  /** Whether it is an element, or belongs to one or to an added task: no plan has it. */
  comesOfAnother(index: number): boolean {
    const graph = this.#graph;
    for (let at = graph.parentOf(index); at !== undefined; at = graph.parentOf(at)) {
      if (this.isAdded(at) || isFanOut(graph, at)) return true;
    }
    return false;
  }
}

function isFanOut(graph: Graph, index: number): boolean {
  return (graph.kindOf(index) & TaskKind.forEach) !== 0;
}

function idAt(graph: Graph, index: number): string {
  return (graph.tasks[index] as Task).id;
}
