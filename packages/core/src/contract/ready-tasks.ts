import { Heap } from '../util/heap.js';
import type { RunView, TaskView } from './strategy.js';

/**
 * The ready tasks of a strategy, in its order. Tasks whose resource has no free place keep their place
 * in the order, and do not hold up the others. Each call takes O(log n) for n tasks and O(r) for r
 * resources with a cap.
 *
 * @example
 * begin(run) {
 *   const tasks = new ReadyTasks(run, (a, b) => b.priority - a.priority || a.index - b.index);
 *   return { ready: (task) => tasks.push(task), next: () => tasks.pop() };
 * }
 */
export class ReadyTasks {
  readonly #run: Pick<RunView, 'isFull' | 'cappedResources'>;
  readonly #compare: (a: TaskView, b: TaskView) => number;
  /** The tasks of resources without a cap, which are full together. */
  readonly #others: Heap<TaskView>;
  readonly #capped = new Map<string, Heap<TaskView>>();

  /** @param compare The order; it ends with the `index` of the tasks, so that there are no ties. */
  constructor(
    run: Pick<RunView, 'isFull' | 'cappedResources'>,
    compare: (a: TaskView, b: TaskView) => number,
  ) {
    this.#run = run;
    this.#compare = compare;
    this.#others = new Heap(compare);
    for (const resource of run.cappedResources) this.#capped.set(resource, new Heap(compare));
  }

  push(task: TaskView): void {
    (this.#capped.get(task.resource) ?? this.#others).push(task);
  }

  /** The first task whose resource has a free place. */
  peek(): TaskView | undefined {
    return this.#firstOpen()?.peek();
  }

  /** Removes and returns the first task whose resource has a free place. */
  pop(): TaskView | undefined {
    return this.#firstOpen()?.pop();
  }

  #firstOpen(): Heap<TaskView> | undefined {
    if (this.#capped.size === 0) return this.#others;
    let first = this.#openHead(this.#others);
    let open = first && this.#others;
    for (const tasks of this.#capped.values()) {
      const head = this.#openHead(tasks);
      if (head === undefined || (first && this.#compare(head, first) > 0)) continue;
      first = head;
      open = tasks;
    }
    return open;
  }

  #openHead(tasks: Heap<TaskView>): TaskView | undefined {
    const head = tasks.peek();
    return head === undefined || this.#run.isFull(head.resource) ? undefined : head;
  }
}
