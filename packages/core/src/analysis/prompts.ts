import { isByFunction } from '../contract/for-each.js';
import type { Task } from '../contract/task.js';
import { FanOut } from '../state/fan-out.js';
import { hasPlanInputsAt, inputNamesOf, inputsOf } from '../state/inputs.js';
import { promptOf } from '../state/prompt.js';
import type { RunState } from '../state/run-state.js';
import { failuresBefore } from '../state/task-failures.js';

/** The prompts of a run's tasks, composed again from the outputs in its log. */
export class Prompts {
  readonly #state: RunState;
  readonly #fanOut = new FanOut();
  /** Fan-outs whose tasks are known as copies of their pattern. */
  readonly #adopted = new Set<number>();
  /** The lists that functions gave to fan-outs. */
  readonly #lists: ReadonlyMap<number, readonly unknown[]>;

  constructor(state: RunState, lists: ReadonlyMap<number, readonly unknown[]>) {
    this.#state = state;
    this.#lists = lists;
  }

  /**
   * The prompt that an attempt at a task gets; undefined when a function makes it, or when outputs that
   * it needs are not known.
   */
  of(index: number): string | undefined {
    const { graph } = this.#state;
    const task = graph.taskOf(index);
    if (task.run !== undefined || task.prompt !== undefined) return undefined;
    try {
      if (!this.#adopt(index)) return undefined;
      if (this.#lacksOutput(index)) return undefined;
      const inputs = inputsOf(index, this.#state, this.#fanOut);
      const names = inputNamesOf(index, this.#state, this.#fanOut);
      return promptOf(
        task,
        inputs,
        names,
        this.#fanOut.originOf(task) !== undefined,
        failuresBefore(index, this.#state, this.#fanOut),
        hasPlanInputsAt(index, this.#state),
      );
    } catch {
      // It refers to a value that is not there: its attempt failed, or has yet to come.
      return undefined;
    }
  }

  /** Finds out which items the tasks above were made for. @returns Whether all are known. */
  #adopt(index: number): boolean {
    const { graph } = this.#state;
    const parent = graph.hasFamilies ? graph.parentOf(index) : undefined;
    if (parent === undefined) return true;
    if (!this.#adopt(parent)) return false;
    const pattern = graph.taskOf(parent);
    if (pattern.forEach === undefined || this.#adopted.has(parent)) return true;
    const items = this.#itemsOf(parent, pattern);
    if (items === undefined) return false;
    const made = this.#fanOut.elementsOf(pattern, items, items.length);
    let position = 0;
    graph.eachChild(parent, (child) => {
      const copy = made[position++];
      if (copy !== undefined) this.#adoptCopy(child, copy);
    });
    this.#adopted.add(parent);
    return true;
  }

  #itemsOf(index: number, pattern: Task): readonly unknown[] | undefined {
    const list = this.#lists.get(index);
    if (list !== undefined) return list;
    // The function of the user is not called again.
    if (isByFunction(pattern) || this.#lacksOutput(index)) return undefined;
    return this.#fanOut.itemsOf(pattern, inputsOf(index, this.#state, this.#fanOut));
  }

  #adoptCopy(index: number, copy: Task): void {
    const { graph } = this.#state;
    this.#fanOut.adopt(graph.taskOf(index), copy);
    if (copy.forEach !== undefined) return;
    const subtasks = new Map((copy.subtasks ?? []).map((task) => [task.id, task]));
    graph.eachChild(index, (child) => {
      const subtask = subtasks.get(graph.taskOf(child).id);
      if (subtask !== undefined) this.#adoptCopy(child, subtask);
    });
  }

  /** An output that was dropped from memory would be missing in the prompt. */
  #lacksOutput(index: number): boolean {
    const { graph } = this.#state;
    let lacks = false;
    graph.eachDependency(index, (dependency) => {
      lacks ||= this.#state.isReleased(dependency);
    });
    return lacks;
  }
}
