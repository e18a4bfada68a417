import type { TaskError } from '../contract/errors.js';
import { TaskKind } from '../graph/task-kind.js';
import type { GroupProgress } from './group-progress.js';
import type { TaskStates } from './task-states.js';

/**
 * The failures that make a plan fail, by task index, in order of occurrence: those that no fan-out,
 * parent or re-planning answers for. A round of re-planning may replace some of them. A replaced
 * failure counts again when another task is skipped because of it.
 */
export class Failures {
  readonly #tasks: TaskStates;
  readonly #groups: GroupProgress;
  readonly #open = new Map<number, TaskError>();
  /** For each replaced failure, the round that replaced it. */
  readonly #replacedIn = new Map<number, number>();

  constructor(tasks: TaskStates, groups: GroupProgress) {
    this.#tasks = tasks;
    this.#groups = groups;
  }

  get size(): number {
    return this.#open.size;
  }

  get first(): TaskError | undefined {
    return this.#open.values().next().value;
  }

  indexes(): Iterable<number> {
    return this.#open.keys();
  }

  has(index: number): boolean {
    return this.#open.has(index);
  }

  /** A task has failed in this attempt; 0 for a task that failed without one. */
  add(index: number, attempt: number, error: TaskError): void {
    const kind = this.#tasks.graph.kindOf(index);
    if ((kind & TaskKind.item) !== 0) return;
    const isGroup =
      (kind & (TaskKind.subtasks | TaskKind.repeat)) !== 0 && (kind & TaskKind.forEach) === 0;
    // A parent that fails for its subtasks: the failure has been counted where it happened. An
    // attempt may end with the same code, and so may a group that could not even begin.
    if (error.code === 'subtasks_failed' && isGroup && attempt === 0) {
      const isOfChildren = this.#groups.unsettledChildrenOf(index) === 0;
      if (isOfChildren && !this.#isFailedByCondition(index)) return;
    }
    this.#count(index, error);
  }

  /** Whether the condition of a loop threw: every iteration went well. */
  #isFailedByCondition(index: number): boolean {
    const { graph } = this.#tasks;
    if ((graph.kindOf(index) & TaskKind.repeat) === 0) return false;
    const last = graph.lastChild(index);
    return last === undefined || this.#tasks.isCompleted(last);
  }

  /**
   * A task was skipped because of a failed one. A fan-out answers for a failed element with those that
   * succeeded, but not for a task outside of it that needed that very element: without it, the plan has
   * not done what it says. Nor has it when a task needs a failed one that a round of re-planning may
   * have replaced.
   *
   * @param rounds Rounds of re-planning so far.
   */
  addForSkipped(index: number, failedTaskId: string | undefined, rounds: number): void {
    const { graph } = this.#tasks;
    if ((graph.kindOf(index) & TaskKind.item) !== 0 || failedTaskId === undefined) return;
    const failed = graph.indexOf(failedTaskId) as number;
    const isElement = (graph.kindOf(failed) & TaskKind.item) !== 0;
    if ((!isElement && rounds === 0) || this.#open.has(failed)) return;
    this.#count(failed, this.#tasks.errorOf(failed) as TaskError);
  }

  #count(index: number, error: TaskError): void {
    this.#open.set(index, error);
    this.#replacedIn.delete(index);
  }

  /** Called when the failed tasks are re-run. */
  clear(): void {
    this.#open.clear();
  }

  replace(index: number, round: number): void {
    if (this.#open.delete(index)) this.#replacedIn.set(index, round);
  }

  replacedIn(index: number): number | undefined {
    return this.#replacedIn.size === 0 ? undefined : this.#replacedIn.get(index);
  }

  /** What it keeps to itself, for tests that compare two states. */
  get internals(): Readonly<Record<string, unknown>> {
    return { open: [...this.#open.keys()], replacedIn: this.#replacedIn };
  }
}
