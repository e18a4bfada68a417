import type { TaskError } from '../contract/errors.js';

/**
 * The failures that a plan has to answer for, by the index of the task, in their order. A round of
 * re-planning may make up for some; when more is dropped because of one of those afterwards, it
 * counts again.
 */
export class Failures {
  readonly #open = new Map<number, TaskError>();
  /** The rounds that made up for others. */
  readonly #replacedIn = new Map<number, number>();

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

  add(index: number, error: TaskError): void {
    this.#open.set(index, error);
    this.#replacedIn.delete(index);
  }

  /** The run is given another chance. */
  clear(): void {
    this.#open.clear();
  }

  replace(index: number, round: number): void {
    if (this.#open.delete(index)) this.#replacedIn.set(index, round);
  }

  replacedIn(index: number): number | undefined {
    return this.#replacedIn.size === 0 ? undefined : this.#replacedIn.get(index);
  }
}
