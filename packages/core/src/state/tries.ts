import type { TaskError } from '../contract/errors.js';
import type { EarlierAttempts } from '../contract/event.js';
import { isRefusal } from '../contract/retry.js';
import type { Graph } from '../graph/graph.js';

/** Which of a task's attempts count: for its retry policy, and as attempts under the present plan. */
export class Tries {
  /**
   * Attempts that the retry policy does not count: refused ones, and those before a fresh start or under
   * an earlier plan.
   */
  readonly #before = new Map<number, number>();
  /** Attempts under earlier plans, by the id of the task, which may have yet to be added. */
  #underEarlierPlans: ReadonlyMap<string, EarlierAttempts> = new Map();

  /** @param attempts All attempts at the task. */
  countedOf(index: number, attempts: number): number {
    return attempts - (this.#before.size === 0 ? 0 : (this.#before.get(index) ?? 0));
  }

  /** Attempts at a task under earlier plans that are not repeated. */
  underEarlierPlans(id: string): number {
    if (this.#underEarlierPlans.size === 0) return 0;
    const earlier = this.#underEarlierPlans.get(id);
    if (earlier === undefined) return 0;
    const [, attempts, isRepeated] = earlier;
    return isRepeated ? attempts - 1 : attempts;
  }

  /** The run continues one under an earlier plan. */
  continueFrom(earlier: readonly EarlierAttempts[]): void {
    this.#underEarlierPlans = new Map(earlier.map((each) => [each[0], each]));
  }

  /** Sets the attempts under earlier plans of the tasks from `first` on. */
  grow(first: number, graph: Graph, attempts: Int32Array): void {
    if (this.#underEarlierPlans.size === 0) return;
    for (let index = first; index < graph.size; index++) {
      const before = this.underEarlierPlans(graph.taskOf(index).id);
      if (before === 0) continue;
      attempts[index] = before;
      this.#before.set(index, before);
    }
  }

  /** An attempt is repeated after this error. The retry policy does not count one that was refused. */
  repeated(index: number, error: TaskError): void {
    if (!isRefusal(error)) return;
    const before = this.#before.get(index) ?? 0;
    this.#before.set(index, before + 1 + furtherTries(error));
  }

  /** None of the attempts so far counts. */
  startFresh(index: number, attempts: number): void {
    this.#before.set(index, attempts);
  }

  /** What it keeps to itself, for tests that compare two states. */
  get internals(): Readonly<Record<string, unknown>> {
    return { before: this.#before, underEarlierPlans: this.#underEarlierPlans };
  }
}

/** What an attempt counts for besides itself, where its runner tried more than once. */
export function furtherTries({ tries = 1 }: TaskError): number {
  return tries - 1;
}
