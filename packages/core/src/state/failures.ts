import type { TaskError } from '../contract/errors.js';

/**
 * The failures that make a plan fail, by task index, in order of occurrence. A round of re-planning may
 * replace some of them. A replaced failure counts again when another task is skipped because of it.
 */
export class Failures {
  readonly #open = new Map<number, TaskError>();
  /** For each replaced failure, the round that replaced it. */
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
}
