import { isByFunction, streamOf } from '../contract/for-each.js';
import { asksModel, isTemplate, type Task } from '../contract/task.js';
import { FanOut } from '../state/fan-out.js';
import { inputsOf } from '../state/inputs.js';
import { promptOf } from '../state/prompt.js';
import type { RunState } from '../state/run-state.js';

/** The prompts of a run's tasks, composed again from the outputs in its log. */
export class Prompts {
  readonly #state: RunState;
  readonly #fanOut = new FanOut();
  /** For fan-outs and loops, how many of their tasks are known as copies of their pattern. */
  readonly #adopted = new Map<number, number>();
  /** The lists that functions gave to fan-outs, and what was read from streams. */
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
    if (!asksModel(task) || task.prompt !== undefined) return undefined;
    try {
      if (!this.#adopt(index)) return undefined;
      if (this.#lacksOutput(index)) return undefined;
      const inputs = inputsOf(index, this.#state, this.#fanOut);
      return promptOf(index, this.#state, this.#fanOut, inputs);
    } catch {
      // It refers to a value that is not there: its attempt failed, or has yet to come.
      return undefined;
    }
  }

  /** Finds out which items and iterations the tasks above were made for. @returns Whether all are known. */
  #adopt(index: number): boolean {
    const { graph } = this.#state;
    const parent = graph.hasFamilies ? graph.parentOf(index) : undefined;
    if (parent === undefined) return true;
    if (!this.#adopt(parent)) return false;
    const pattern = graph.taskOf(parent);
    if (!isTemplate(pattern)) return true;
    const known = this.#adopted.get(parent) ?? 0;
    const made = this.#childrenOf(parent, pattern);
    if (made === undefined) return false;
    if (made.length === 0) return true;
    let position = streamOf(pattern) === undefined ? 0 : -known;
    graph.eachChild(parent, (child) => {
      const copy = made[position++];
      if (copy !== undefined) this.#adoptCopy(child, copy);
    });
    return true;
  }

  /** The tasks that a fan-out or a loop made that are not known yet. */
  #childrenOf(index: number, pattern: Task): readonly Task[] | undefined {
    const { graph } = this.#state;
    const count = graph.childCount(index);
    // A loop and a stream have more of them later.
    if (this.#adopted.get(index) === count) return [];
    const isFanOut = pattern.forEach !== undefined;
    const items = isFanOut ? this.#itemsOf(index, pattern) : undefined;
    if (isFanOut && items === undefined) return undefined;
    const known = this.#adopted.get(index) ?? 0;
    this.#adopted.set(index, count);
    if (items !== undefined && streamOf(pattern) !== undefined) {
      return this.#fanOut.elementsOf(pattern, items.slice(known), count - known, known);
    }
    return items === undefined
      ? this.#iterationsOf(index, pattern)
      : this.#fanOut.elementsOf(pattern, items, items.length);
  }

  #iterationsOf(index: number, pattern: Task): Task[] {
    const { graph } = this.#state;
    const made: Task[] = [];
    graph.eachChild(index, (child) => {
      const [previous] = graph.taskOf(child).dependencies ?? [];
      made.push(this.#fanOut.iterationOf(pattern, made.length + 1, previous));
    });
    return made;
  }

  #itemsOf(index: number, pattern: Task): readonly unknown[] | undefined {
    const list = this.#lists.get(index);
    if (list !== undefined) return list;
    // The function of the user is not called again, and no stream is read again.
    if (isByFunction(pattern) || streamOf(pattern) !== undefined || this.#lacksOutput(index)) {
      return undefined;
    }
    return this.#fanOut.itemsOf(pattern, inputsOf(index, this.#state, this.#fanOut));
  }

  #adoptCopy(index: number, copy: Task): void {
    const { graph } = this.#state;
    this.#fanOut.adopt(graph.taskOf(index), copy);
    if (isTemplate(copy)) return;
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
