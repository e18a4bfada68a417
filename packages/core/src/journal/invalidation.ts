import { isMadeFromTemplate } from '../contract/event.js';
import type { EventData } from '../contract/journal.js';
import type { Task } from '../contract/task.js';
import type { Graph } from '../graph/graph.js';
import { TaskKind } from '../graph/task-kind.js';
import type { TaskData } from '../serialize/plan.js';
import type { RunState } from '../state/run-state.js';

/** Tasks that a changed plan affects, by their index in its graph. */
export interface Changes {
  /** Tasks that changed, or whose inputs did. */
  readonly changed: ReadonlySet<number>;
  /** Groups that begin as before, but whose output may differ. */
  readonly outcomes: ReadonlySet<number>;
}

/** Which tasks of a recorded run a changed plan keeps, by id; added tasks included. */
export interface Invalidation {
  /** Tasks that are still part of the run. */
  readonly present: ReadonlySet<string>;
  /** Present tasks whose recorded results are still valid. */
  readonly valid: ReadonlySet<string>;
}

/**
 * Propagates the changes through the recorded run: to dependents, to children and parents, and to
 * tasks that were added at run time. An added task that loses a dependency is removed, and the task
 * that added it runs again.
 *
 * @param again Tasks of the recorded run that run again although they have not changed.
 * @param removed Tasks of the recorded run that are no longer part of it.
 */
export function invalidationOf(
  log: readonly EventData[],
  { graph }: RunState,
  after: Graph,
  changes: Changes,
  again: readonly number[] = [],
  removed: readonly number[] = [],
): Invalidation {
  const invalidator = new Invalidator(graph, after, new Additions(log, graph));
  invalidator.apply(changes, again, removed);
  invalidator.propagate();
  return invalidator.result();
}

/** A worklist over the tasks of the recorded run, by index. Each set only grows. */
class Invalidator {
  readonly #graph: Graph;
  readonly #after: Graph;
  readonly #additions: Additions;
  /** Tasks that are no longer part of the run. */
  readonly #removed = new Set<number>();
  /** Tasks that run again. */
  readonly #invalid = new Set<number>();
  /** Groups that only end again. */
  readonly #outcomes = new Set<number>();
  readonly #stack: number[] = [];

  constructor(graph: Graph, after: Graph, additions: Additions) {
    this.#graph = graph;
    this.#after = after;
    this.#additions = additions;
  }

  apply(
    { changed, outcomes }: Changes,
    again: readonly number[],
    removed: readonly number[],
  ): void {
    removed.forEach(this.#remove);
    for (const index of again) this.#invalidate(index);
    for (let index = 0; index < this.#graph.size; index++) {
      const now = this.#after.indexOf(idAt(this.#graph, index));
      if (this.#additions.isAdded(index)) {
        if (now !== undefined) this.#remove(index);
      } else if (now === undefined) {
        if (!this.#additions.isMadeAtRunTime(index)) this.#remove(index);
      } else if (changed.has(now)) this.#invalidate(index);
      else if (outcomes.has(now)) this.#changeOutcome(index);
    }
  }

  propagate(): void {
    const stack = this.#stack;
    for (let index = stack.pop(); index !== undefined; index = stack.pop()) {
      this.#propagateDown(index);
      this.#propagateToDependents(index);
      this.#propagateUp(index);
    }
  }

  result(): Invalidation {
    const graph = this.#graph;
    const present = new Set<string>();
    const valid = new Set<string>();
    for (let index = 0; index < graph.size; index++) {
      if (this.#removed.has(index)) continue;
      const id = idAt(graph, index);
      present.add(id);
      if (!this.#invalid.has(index) && !this.#outcomes.has(index)) valid.add(id);
    }
    return { present, valid };
  }

  /** To children, and to tasks that the task added. */
  #propagateDown(index: number): void {
    const isRemoved = this.#removed.has(index);
    if (!isRemoved && !this.#invalid.has(index)) return;
    const losesChildren = isRemoved || isTemplateAt(this.#graph, index);
    this.#graph.eachChild(index, losesChildren ? this.#remove : this.#invalidate);
    for (const added of this.#additions.addedBy(index)) this.#remove(added);
  }

  #propagateToDependents(index: number): void {
    const isRemoved = this.#removed.has(index);
    this.#graph.eachDependent(index, (dependent) => {
      const added = isRemoved ? this.#additions.addedAncestor(dependent) : undefined;
      if (added === undefined) this.#invalidate(dependent);
      else this.#remove(added);
    });
  }

  /** To the group, and to the task that added a removed one. */
  #propagateUp(index: number): void {
    const adder = this.#additions.adderOf(index);
    // The changed plan itself may define a task with this id.
    const isReplaced = this.#after.indexOf(idAt(this.#graph, index)) !== undefined;
    if (this.#removed.has(index) && adder !== undefined && !isReplaced) this.#invalidate(adder);
    const parent = this.#graph.parentOf(index);
    if (parent !== undefined) this.#changeOutcome(parent);
  }

  readonly #remove = (index: number): void => this.#put(this.#removed, index);
  readonly #invalidate = (index: number): void => this.#put(this.#invalid, index);

  #changeOutcome(index: number): void {
    // A fan-out and a loop make their children themselves: they keep all of them or none.
    if (isTemplateAt(this.#graph, index)) this.#invalidate(index);
    else this.#put(this.#outcomes, index);
  }

  #put(set: Set<number>, index: number): void {
    if (set.has(index) || this.#removed.has(index)) return;
    set.add(index);
    this.#stack.push(index);
  }
}

/** The tasks that were added at run time, except those of fan-outs and loops. */
class Additions {
  readonly #graph: Graph;
  /** For each added task, the task whose attempt added it, if one did. */
  readonly #adders = new Map<number, number | undefined>();
  readonly #added = new Map<number, number[]>();

  constructor(log: readonly EventData[], graph: Graph) {
    this.#graph = graph;
    for (const { type, source, tasks, taskId } of log) {
      if (type !== 'tasks_added' || isMadeFromTemplate({ source })) continue;
      const adder = taskId === undefined ? undefined : graph.indexOf(taskId);
      for (const { id } of tasks as readonly TaskData[]) {
        this.#add(graph.indexOf(id) as number, adder);
      }
    }
  }

  #add(index: number, adder: number | undefined): void {
    this.#adders.set(index, adder);
    if (adder === undefined) return;
    const added = this.#added.get(adder);
    if (added === undefined) this.#added.set(adder, [index]);
    else added.push(index);
  }

  isAdded(index: number): boolean {
    return this.#adders.has(index);
  }

  adderOf(index: number): number | undefined {
    return this.#adders.get(index);
  }

  addedBy(adder: number): readonly number[] {
    return this.#added.get(adder) ?? [];
  }

  /** The added task that this is or belongs to. */
  addedAncestor(index: number): number | undefined {
    for (let at: number | undefined = index; at !== undefined; at = this.#graph.parentOf(at)) {
      if (this.isAdded(at)) return at;
    }
    return undefined;
  }

  /** Whether a task belongs to a fan-out, a loop or an added task, so that no plan lists it. */
  isMadeAtRunTime(index: number): boolean {
    const graph = this.#graph;
    for (let at = graph.parentOf(index); at !== undefined; at = graph.parentOf(at)) {
      if (this.isAdded(at) || isTemplateAt(graph, at)) return true;
    }
    return false;
  }
}

/** Whether a task makes its children while it runs. */
function isTemplateAt(graph: Graph, index: number): boolean {
  return (graph.kindOf(index) & TaskKind.template) !== 0;
}

function idAt(graph: Graph, index: number): string {
  return (graph.tasks[index] as Task).id;
}
