import { ReplanError } from '../contract/errors.js';
import { costOf, type PriceTable } from '../contract/price.js';
import type { ReplanLimits, Revision, Situation } from '../contract/replan.js';
import type { Task } from '../contract/task.js';
import type { Graph } from '../graph/graph.js';
import { TaskKind } from '../graph/task-kind.js';
import type { RunState } from '../state/run-state.js';
import type { BudgetKeeper } from './budget.js';
import type { Recorder } from './recorder.js';

/** Asks the driver for a revision of the plan. */
export interface ReplanCommand {
  readonly type: 'replan';
  readonly situation: Situation;
  /** When the run must be over, as Unix time in milliseconds; undefined without a limit. */
  readonly deadline: number | undefined;
}

interface Settings {
  readonly goal: string;
  readonly limits: Required<ReplanLimits>;
  readonly prices: PriceTable;
}

/** What a round sets aside in the budget, among the attempts at tasks. */
export const ROUND = -1;

/** The rounds in which a run revises its plan: whether there may be one, and what comes of it. */
export class Replanning {
  readonly #settings: Settings;
  readonly #state: RunState;
  readonly #record: Recorder;
  readonly #budget: BudgetKeeper | undefined;

  constructor(
    settings: Settings,
    state: RunState,
    { record, budget }: { record: Recorder; budget: BudgetKeeper | undefined },
  ) {
    this.#settings = settings;
    this.#state = state;
    this.#record = record;
    this.#budget = budget;
  }

  /**
   * Why there is not another round; undefined when there may be one.
   *
   * @param deadline When the run must be over.
   */
  refusal(deadline: number, now: number): string | undefined {
    const { maxRounds, maxTasks } = this.#settings.limits;
    const { rounds, tasks, over } = this.#state.replan;
    if (over !== undefined) return over;
    if (rounds >= maxRounds) return `re-planning is limited to ${count(rounds, 'round')}`;
    if (tasks >= maxTasks) return `re-planning may not add more than ${count(maxTasks, 'task')}`;
    if (now >= deadline) return 'there is no time left for re-planning';
    // What it would add has to start as well.
    const excess = this.#budget?.excess(undefined, true, now);
    if (excess === undefined) return undefined;
    return `its budget of ${excess.limit} for ${excess.budget} leaves no room for re-planning`;
  }

  begin(deadline: number, now: number): ReplanCommand {
    const situation = this.#situation(deadline, now);
    const { round, reason, failed, dropped } = situation;
    const failedTaskIds = failed.map(({ task }) => task.id);
    const droppedTasks = dropped.length;
    this.#record.replanStarted(round, { reason, failedTaskIds, droppedTasks }, now);
    this.#budget?.reserve(ROUND, undefined, false);
    return commandOf(situation, deadline);
  }

  /** Once more the round that was in flight when the process ended. */
  again(deadline: number, now: number): ReplanCommand {
    const { round, remaining, ...situation } = this.#situation(deadline, now);
    const left = { ...remaining, rounds: remaining.rounds + 1 };
    return commandOf({ ...situation, round: round - 1, remaining: left }, deadline);
  }

  /** The round has its answer: the plan grows by its tasks. */
  completed(revision: Revision, now: number): void {
    const { tasks, usage, model } = revision;
    const costUsd = usage && costOf(usage, model, this.#settings.prices);
    const replaces = tasks.length === 0 ? [] : (revision.replaces ?? this.#state.replan.failed);
    const priced = costUsd === undefined ? revision : { ...revision, costUsd };
    this.#record.replanCompleted({ ...priced, replaces }, now);
    this.#budget?.release(ROUND);
    if (tasks.length > 0) this.#record.tasksAdded('replan', tasks, -1, now);
  }

  /** The round brought nothing that can be used. */
  failed(thrown: unknown, now: number): void {
    const { rounds } = this.#state.replan;
    this.#record.replanFailed(new ReplanError(rounds, thrown, this.#settings.prices), now);
    this.#budget?.release(ROUND);
  }

  #situation(deadline: number, now: number): Situation {
    const { failures, goalProgress, replan } = this.#state;
    return {
      goal: this.#settings.goal,
      reason: failures.size > 0 ? 'tasks_failed' : 'goal_not_achieved',
      round: replan.rounds + 1,
      ...standingOf(this.#state),
      ...(goalProgress !== undefined && { goalProgress }),
      remaining: this.#remaining(deadline, now),
    };
  }

  #remaining(deadline: number, now: number): Situation['remaining'] {
    const { maxRounds, maxTasks } = this.#settings.limits;
    const { rounds, tasks } = this.#state.replan;
    const budget = this.#budget?.remaining(now) ?? {};
    const forever = Number.POSITIVE_INFINITY;
    const timeMs = Math.min(deadline - now, budget.wallTimeMs ?? forever);
    return {
      rounds: maxRounds - rounds - 1,
      tasks: Math.min(maxTasks - tasks, budget.tasks ?? forever),
      ...(budget.tokens !== undefined && { tokens: budget.tokens }),
      ...(budget.costUsd !== undefined && { costUsd: budget.costUsd }),
      ...(timeMs !== forever && { timeMs }),
    };
  }
}

function commandOf(situation: Situation, deadline: number): ReplanCommand {
  const isLimited = deadline !== Number.POSITIVE_INFINITY;
  return { type: 'replan', situation, deadline: isLimited ? deadline : undefined };
}

function count(figure: number, what: string): string {
  return `${figure} ${what}${figure === 1 ? '' : 's'}`;
}

type Standing = Pick<Situation, 'completed' | 'failed' | 'dropped'>;

/** Every task that counts for the plan itself: a fan-out speaks for its elements. */
function standingOf(state: RunState): Standing {
  const { graph, failures } = state;
  const completed: { task: Task; output: unknown }[] = [];
  const dropped: { task: Task; failedTaskId: string }[] = [];
  const open = new OpenFailures(state);
  for (let index = 0; index < graph.size; index++) {
    if ((graph.kindOf(index) & TaskKind.item) !== 0) continue;
    const task = graph.tasks[index] as Task;
    const status = state.statusOf(index);
    if (status === 'completed') completed.push({ task, output: state.outputOf(index) });
    else if (status === 'skipped' || status === 'failed') {
      const failedTaskId = failures.has(index) ? undefined : open.behind(index);
      if (failedTaskId !== undefined) dropped.push({ task, failedTaskId });
    }
  }
  const failed = Array.from(failures.indexes(), (index) => ({
    task: graph.tasks[index] as Task,
    error: state.errorOf(index) as NonNullable<ReturnType<RunState['errorOf']>>,
  }));
  return { completed, failed, dropped };
}

/** Finds the failure, among those that nothing has made up for, that a task was dropped for. */
class OpenFailures {
  readonly #state: RunState;
  readonly #graph: Graph;
  /** Of groups, which may have many children and many that depend on them. */
  readonly #known = new Map<number, string | undefined>();

  constructor(state: RunState) {
    this.#state = state;
    this.#graph = state.graph;
  }

  behind(index: number): string | undefined {
    const state = this.#state;
    if (state.failures.has(index)) return this.#id(index);
    if (state.failures.replacedIn(index) !== undefined) return undefined;
    if (state.statusOf(index) === 'failed') return this.#amongChildren(index);
    const failedTaskId = state.failedTaskIdOf(index);
    const failed = failedTaskId === undefined ? undefined : this.#graph.indexOf(failedTaskId);
    return failed === undefined ? undefined : this.behind(failed);
  }

  #amongChildren(group: number): string | undefined {
    if (this.#known.has(group)) return this.#known.get(group);
    let found: string | undefined;
    // A group that failed before its children began: they were skipped for it.
    this.#known.set(group, undefined);
    this.#graph.eachChild(group, (child) => {
      if (this.#state.statusOf(child) !== 'completed') found ??= this.behind(child);
    });
    this.#known.set(group, found);
    return found;
  }

  #id(index: number): string {
    return (this.#graph.tasks[index] as Task).id;
  }
}
