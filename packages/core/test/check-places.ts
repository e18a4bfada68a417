import type { ResourceLimits } from '../src/contract/resource-limit.js';
import type { Task } from '../src/contract/task.js';
import type { Account } from './account.js';

/** How many attempts may be in flight: all together, and at each resource. */
export class PlaceWatch {
  cap: number;
  readonly #resources: ResourceLimits;
  readonly #resourceOf: (task: Task) => string;
  readonly #running = new Set<Account>();

  constructor(
    cap: number,
    resources: ResourceLimits = {},
    resourceOf: (task: Task) => string = () => 'simulation',
  ) {
    this.cap = cap;
    this.#resources = resources;
    this.#resourceOf = resourceOf;
  }

  get running(): number {
    return this.#running.size;
  }

  start(account: Account): void {
    this.#running.add(account);
  }

  end(account: Account): void {
    this.#running.delete(account);
  }

  /** Whether one more attempt may be in flight. */
  isFree(task: Task): boolean {
    return this.#isWithin(task, 1);
  }

  /** Whether no more are in flight than may be, after an attempt at this task has started. */
  isKept(task: Task): boolean {
    return this.#isWithin(task, 0);
  }

  #isWithin(task: Task, more: number): boolean {
    const resource = this.#resourceOf(task);
    const limit = this.#resources[resource];
    const running = [...this.#running].map((each) => this.#resourceOf(each.task));
    const there = running.filter((each) => each === resource).length;
    if (there + more > (limit?.maxParallel ?? Number.POSITIVE_INFINITY)) return false;
    if (limit?.separate) return true;
    const counted = running.filter((each) => !this.#resources[each]?.separate).length;
    return counted + more <= this.cap;
  }
}
