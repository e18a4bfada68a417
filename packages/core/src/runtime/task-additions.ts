import { PlanError } from '../contract/plan-error.js';
import type { Replan, Revision } from '../contract/replan.js';
import type { Task } from '../contract/task.js';
import type { Kernel } from '../kernel/kernel.js';
import type { ReplanCommand } from '../kernel/replan.js';
import { atItsCost, revisionProblems } from '../kernel/revision.js';
import { additionProblems } from '../validate/plan.js';
import { eachTask, requireNoRunner, requireStorable, structuralCopy } from './added-tasks.js';
import type { Input } from './input.js';
import { ReplanRound } from './replan-round.js';
import type { RunSettings } from './settings.js';

/** How a plan grows while it runs: by tasks that are added, and by rounds of re-planning. */
export class Growth {
  readonly #settings: RunSettings;
  readonly #kernel: Kernel;
  readonly #take: (input: Input) => void;
  /** By id, the tasks that are to be added as soon as the kernel takes them. */
  readonly #coming = new Map<string, Task>();
  /** The round of re-planning under way. */
  #round: ReplanRound | undefined;

  constructor(settings: RunSettings, kernel: Kernel, take: (input: Input) => void) {
    this.#settings = settings;
    this.#kernel = kernel;
    this.#take = take;
  }

  /**
   * @param by The task that adds them; -1 for none.
   * @throws {StratagemError} unless the tasks can be added now; a PlanError says all that is wrong.
   */
  add(given: readonly Task[], by: number): void {
    // The same attempt had added some before its process ended.
    const before = by < 0 ? [] : this.#kernel.addedBefore(by);
    const tasks = before.length === 0 ? given : given.filter(({ id }) => !before.includes(id));
    this.#require(tasks);
    if (tasks.length === 0) return;
    const added = this.#announce(tasks);
    this.#kernel.expectTasks();
    this.#take({ type: 'addTasks', tasks: added, by });
  }

  /** The kernel takes tasks that were coming. */
  arrived(tasks: readonly Task[]): void {
    eachTask(tasks, ({ id }) => this.#coming.delete(id));
  }

  beginRound(command: ReplanCommand): void {
    const { tasks: maxTasks } = command.situation.remaining;
    const round = new ReplanRound(command, (revision) => this.#requireRevision(revision, maxTasks));
    this.#round = round;
    round
      .ask(this.#settings.planner as Pick<Replan, 'revise'>)
      .then((revision) => {
        if (this.#round !== round) return;
        try {
          this.#requireRevision(revision, maxTasks);
        } catch (thrown) {
          throw atItsCost(thrown, revision);
        }
        const tasks = this.#announce(revision.tasks);
        this.#take({ type: 'replanned', round, revision: { ...revision, tasks } });
      })
      .catch((thrown) => this.#take({ type: 'replanFailed', round, thrown }));
  }

  /** Whether the answer of this round is still wanted. */
  leaveRound(round: ReplanRound): boolean {
    const isWanted = this.#round === round;
    if (isWanted) this.#round = undefined;
    return isWanted;
  }

  abortRound(reason: unknown): void {
    this.#round?.abort(reason);
    this.#round = undefined;
  }

  /** From now on their ids are taken. What the caller does to its list has no effect any more. */
  #announce(tasks: readonly Task[]): Task[] {
    const added = structuralCopy(tasks);
    eachTask(added, (task) => this.#coming.set(task.id, task));
    return added;
  }

  #require(tasks: readonly Task[]): void {
    const { graph, runner, maxDepth, toolbox, record } = this.#settings;
    const there = {
      isTaken: (id: string) => graph.indexOf(id) !== undefined || this.#coming.has(id),
      isPendingFanOut: (id: string) =>
        this.#kernel.willFanOut(id) || this.#coming.get(id)?.forEach !== undefined,
    };
    const problems = additionProblems(tasks, there, maxDepth);
    if (problems.length > 0) throw new PlanError(problems);
    if (runner === undefined) requireNoRunner(tasks);
    toolbox.require(tasks, runner);
    if (record !== undefined) requireStorable(tasks);
  }

  /** The same for a revision of the plan. */
  #requireRevision(revision: Revision, maxTasks: number): void {
    this.#require(revision.tasks);
    const problems = revisionProblems(revision, this.#kernel.state, maxTasks);
    if (problems.length > 0) throw new PlanError(problems);
  }
}
