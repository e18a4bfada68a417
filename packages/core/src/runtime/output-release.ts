import type { RetriedTask } from '../contract/event.js';
import { subjectOf } from '../contract/goal.js';
import type { Plan } from '../contract/plan.js';
import { TaskKind } from '../graph/task-kind.js';
import { moduleOutputTasks, planOutputTasks } from '../state/plan-outputs.js';
import type { RunState } from '../state/run-state.js';

const SETTLED: readonly string[] = [
  'task_completed',
  'task_failed',
  'task_skipped',
  'task_canceled',
];

/**
 * Drops outputs that nobody needs any more: those of tasks whose dependents, and the group they belong
 * to, have all settled. The outputs of tasks that nothing depends on are kept, and so are those that
 * the goal and the results of the plan are about.
 */
export class OutputRelease {
  readonly #state: RunState;
  /** For each task, how many tasks that need its output have not settled. */
  readonly #needs: number[] = [];
  /** For each task, the position of its completion; -1 before it and once its output is dropped. */
  readonly #completedAt: number[] = [];
  readonly #kept = new Set<number>();
  #position = 0;

  constructor(state: RunState, { goalState, outputs }: Pick<Plan, 'goalState' | 'outputs'>) {
    this.#state = state;
    const { graph } = state;
    for (const criterion of goalState?.criteria ?? []) {
      const subject = subjectOf(criterion, (id) => graph.indexOf(id) !== undefined);
      if (typeof subject !== 'object' || subject.kind !== 'output') continue;
      this.#kept.add(graph.indexOf(subject.id) as number);
    }
    for (const index of planOutputTasks(outputs, state)) this.#kept.add(index);
  }

  /** Takes the published entries of the log into account. */
  follow(): void {
    const { log } = this.#state;
    this.#grow();
    const released: number[] = [];
    for (; this.#position < log.length; this.#position++) {
      const type = log.typeAt(this.#position);
      const index = log.indexAt(this.#position);
      if (type === 'task_completed') this.#completedAt[index] = this.#position;
      if (SETTLED.includes(type))
        this.#eachNeeded(index, (other) => this.#count(other, -1, released));
      else if (type === 'run_resumed') {
        const { retried = [] } = log.objectAt(this.#position) as { retried?: RetriedTask[] };
        for (const { taskId } of retried) {
          const again = this.#state.graph.indexOf(taskId) as number;
          this.#eachNeeded(again, (other) => this.#count(other, 1, released));
        }
      }
    }
    for (const index of released) this.#release(index);
  }

  /** Entries of the log before this position have been taken into account, or were dropped. */
  continueAt(position: number): void {
    this.#position = position;
  }

  #count(index: number, change: number, released: number[]): void {
    this.#needs[index] = (this.#needs[index] as number) + change;
    if (this.#needs[index] === 0) released.push(index);
  }

  #release(index: number): void {
    const position = this.#completedAt[index] as number;
    // A task that ran once more may need it again.
    if (position < 0 || this.#needs[index] !== 0 || this.#kept.has(index)) return;
    this.#completedAt[index] = -1;
    this.#state.log.releaseOutput(position);
  }

  /** The tasks whose outputs a task needs: its dependencies, its children, and the results of a module. */
  #eachNeeded(index: number, visit: (other: number) => void): void {
    this.#state.graph.eachDependency(index, visit);
    this.#state.graph.eachChild(index, visit);
    this.#eachResult(index, visit);
  }

  #eachResult(index: number, visit: (other: number) => void): void {
    if ((this.#state.graph.kindOf(index) & TaskKind.module) === 0) return;
    for (const other of moduleOutputTasks(index, this.#state)) visit(other);
  }

  #grow(): void {
    const { graph } = this.#state;
    const first = this.#needs.length;
    for (let index = first; index < graph.size; index++) {
      this.#needs.push(0);
      this.#completedAt.push(-1);
    }
    const need = (other: number) => {
      this.#needs[other] = (this.#needs[other] as number) + 1;
    };
    for (let index = first; index < graph.size; index++) {
      graph.eachDependency(index, need);
      const parent = graph.parentOf(index);
      if (parent !== undefined) need(index);
      this.#eachResult(index, need);
    }
  }
}
