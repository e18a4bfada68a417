import { PlanError } from '../contract/plan-error.js';
import type { Replan } from '../contract/replan.js';
import { snapshotOfTasks } from '../contract/snapshot.js';
import type { Task } from '../contract/task.js';
import type { ReplanCommand } from '../kernel/command.js';
import type { Kernel } from '../kernel/kernel.js';
import { additionProblems } from '../validate/plan.js';
import { eachTask, requireOutputs, requireStorable } from './added-tasks.js';
import type { Input } from './input.js';
import { ReplanRound } from './replan-round.js';
import type { RunSettings } from './settings.js';

/** Adds tasks to a running plan: tasks from callers, and tasks from rounds of re-planning. */
export class TaskAdditions {
  readonly #settings: RunSettings;
  readonly #kernel: Kernel;
  readonly #take: (input: Input) => void;
  /** By id, tasks that have been accepted and are on their way to the kernel. */
  readonly #pending = new Map<string, Task>();
  /** The current round of re-planning. */
  #round: ReplanRound | undefined;

  constructor(settings: RunSettings, kernel: Kernel, take: (input: Input) => void) {
    this.#settings = settings;
    this.#kernel = kernel;
    this.#take = take;
  }

  /**
   * @param by Index of the task that adds them; -1 for none.
   * @param attempt The attempt that adds them; 0 for none.
   * @throws {StratagemError} when the tasks cannot be added; a PlanError lists all problems.
   */
  add(given: readonly Task[], by: number, attempt: number): void {
    // A restarted attempt may have added some of them before the crash.
    const isNew = (task: Task) => !this.#kernel.hasAdded(by, task?.id);
    const tasks = by < 0 || !Array.isArray(given) ? given : given.filter(isNew);
    this.#require(tasks);
    if (tasks.length === 0) return;
    const added = this.#reserve(tasks);
    this.#kernel.expectTasks();
    this.#take({ type: 'addTasks', tasks: added, by, attempt });
  }

  /** The kernel is about to add these tasks. */
  removePending(tasks: readonly Task[]): void {
    eachTask(tasks, ({ id }) => this.#pending.delete(id));
  }

  beginRound(command: ReplanCommand): void {
    const round = new ReplanRound(command);
    this.#round = round;
    this.#askPlanner(round).catch((thrown) => this.#take({ type: 'replanFailed', round, thrown }));
  }

  async #askPlanner(round: ReplanRound): Promise<void> {
    // Loaded when it is needed: most runs are never revised.
    const { askPlanner } = await import('./ask-planner.js');
    const revision = await askPlanner(round, this.#settings.planner as Pick<Replan, 'revise'>, {
      state: this.#kernel.state,
      require: (tasks) => this.#require(tasks),
      isCurrent: () => this.#round === round,
    });
    if (revision === undefined) return;
    const tasks = this.#reserve(revision.tasks);
    this.#take({ type: 'replanned', round, revision: { ...revision, tasks } });
  }

  /** Ends the round; false when it is not the current one, so that its answer is ignored. */
  finishRound(round: ReplanRound): boolean {
    const isCurrent = this.#round === round;
    if (isCurrent) this.#round = undefined;
    return isCurrent;
  }

  abortRound(reason: unknown): void {
    this.#round?.abort(reason);
    this.#round = undefined;
  }

  /** Reserves the ids of tasks, and copies the tasks: the caller may change its list. */
  #reserve(tasks: readonly Task[]): Task[] {
    const { maxDepth, secretTexts } = this.#settings;
    const copies = snapshotOfTasks(tasks, maxDepth);
    const added = secretTexts?.value(copies) ?? copies;
    eachTask(added, (task) => this.#pending.set(task.id, task));
    return added;
  }

  #require(tasks: readonly Task[]): void {
    const { graph, runners, attachments, maxDepth, toolbox, record } = this.#settings;
    const there = {
      isTaken: (id: string) => graph.indexOf(id) !== undefined || this.#pending.has(id),
      isOpenFanOut: (id: string, item: number) =>
        this.#kernel.isOpenFanOut(id, item) || this.#pending.get(id)?.forEach !== undefined,
      isOpenLoop: (id: string, iteration: number) =>
        this.#kernel.isOpenLoop(id, iteration) || this.#pending.get(id)?.repeat !== undefined,
      planInputs: this.#settings.plan.inputs,
    };
    const problems = additionProblems(tasks, there, maxDepth);
    if (problems.length === 0) requireOutputs(tasks, this.#kernel.state);
    if (problems.length > 0) throw new PlanError(problems);
    runners.require(tasks);
    toolbox.require(tasks, runners, true);
    attachments.reader?.require(tasks, runners);
    if (record !== undefined) requireStorable(tasks);
  }
}
