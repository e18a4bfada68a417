import { ReplanError, type StratagemError } from '../contract/errors.js';
import { costOf } from '../contract/price.js';
import type { ReplanLimits, Revision, Situation } from '../contract/replan.js';
import type { Task } from '../contract/task.js';
import { TaskKind } from '../graph/task-kind.js';
import { asData } from '../serialize/task.js';
import { OpenFailures } from '../state/open-failures.js';
import type { RunState } from '../state/run-state.js';
import { excessOf, remainingBudget } from './budget.js';
import type { ReplanCommand } from './command.js';
import type { Machine } from './machine.js';
import { withoutSecrets } from './settlement.js';

/**
 * Why there is no further round; undefined when there may be one.
 */
export function replanRefusal(
  machine: Machine,
  limits: Required<ReplanLimits>,
): string | undefined {
  const { state, options, now } = machine;
  const { maxRounds, maxTasks } = limits;
  const { rounds, tasks, over } = state.replan;
  if (over !== undefined) return over;
  if (rounds >= maxRounds) return `re-planning is limited to ${count(rounds, 'round')}`;
  if (tasks >= maxTasks) return `re-planning may not add more than ${count(maxTasks, 'task')}`;
  if (now >= machine.deadline) return 'there is no time left for re-planning';
  // The tasks it would add have to start as well.
  const { budget } = options;
  const excess = budget && excessOf(budget, state, undefined, true, now);
  if (excess === undefined || excess === 'wait') return undefined;
  return `its budget of ${excess.limit} for ${excess.budget} leaves no room for re-planning`;
}

/** Begins a round: the driver asks for a revision of the plan. */
export function beginRound(machine: Machine, limits: Required<ReplanLimits>): void {
  const situation = situationOf(machine, limits);
  const { round, reason, failed, dropped } = situation;
  const failedTaskIds = failed.map(({ task }) => task.id);
  const droppedTasks = dropped.length;
  machine.tell({ type: 'replan_started', round, reason, failedTaskIds, droppedTasks });
  machine.commands.push(commandOf(situation, machine.deadline));
}

/** Asks again for the round that was in flight when the process ended. */
export function retryRound(machine: Machine, limits: Required<ReplanLimits>): void {
  const { round, remaining, ...situation } = situationOf(machine, limits);
  const left = { ...remaining, rounds: remaining.rounds + 1 };
  const again = { ...situation, round: round - 1, remaining: left };
  machine.commands.push(commandOf(again, machine.deadline));
}

/** The round has its answer: the plan grows by its tasks. */
export function completeRound(machine: Machine, revision: Revision): void {
  const { tasks, usage, model, requestId } = revision;
  const { replan } = machine.state;
  const priced = usage && costOf(usage, model, machine.options.prices);
  const costUsd = priced ?? revision.costUsd;
  machine.tell({
    type: 'replan_completed',
    ...roundOf(machine),
    tasks: tasks.length,
    replaces: tasks.length === 0 ? [] : (revision.replaces ?? replan.failed),
    ...(usage !== undefined && { usage }),
    ...(costUsd !== undefined && { costUsd }),
    ...(model !== undefined && { model }),
    ...(requestId !== undefined && { requestId }),
  });
  if (tasks.length > 0) {
    machine.tell({ type: 'tasks_added', source: 'replan', tasks: asData(tasks) });
  }
}

/** The round returned nothing that can be used. */
export function failRound(machine: Machine, thrown: unknown): void {
  const { state, options } = machine;
  const error = new ReplanError(
    state.replan.rounds,
    withoutSecrets(machine, thrown),
    options.prices,
  );
  machine.tell({ type: 'replan_failed', ...roundOf(machine), error });
}

/** Ends a round whose answer is no longer wanted. */
export function abortRound(machine: Machine, error: StratagemError): void {
  if (machine.state.replan.since === undefined) return;
  failRound(machine, error);
  machine.commands.push({ type: 'abort_replan', error });
}

function roundOf({ state, now }: Machine): { readonly round: number; readonly durationMs: number } {
  const { rounds: round, since = now } = state.replan;
  return { round, durationMs: now - since };
}

function situationOf(machine: Machine, limits: Required<ReplanLimits>): Situation {
  const { failures, goalProgress, replan } = machine.state;
  return {
    goal: machine.options.plan.goal,
    reason: failures.size > 0 ? 'tasks_failed' : 'goal_not_achieved',
    round: replan.rounds + 1,
    ...standingOf(machine.state),
    ...(goalProgress !== undefined && { goalProgress }),
    remaining: remainingOf(machine, limits),
  };
}

function remainingOf(machine: Machine, limits: Required<ReplanLimits>): Situation['remaining'] {
  const { state, options, now, deadline } = machine;
  const { rounds, tasks } = state.replan;
  const budget = options.budget ? remainingBudget(options.budget, state, now) : {};
  const forever = Number.POSITIVE_INFINITY;
  const timeMs = Math.min(deadline - now, budget.wallTimeMs ?? forever);
  return {
    rounds: limits.maxRounds - rounds - 1,
    tasks: Math.min(limits.maxTasks - tasks, budget.tasks ?? forever),
    ...(budget.tokens !== undefined && { tokens: budget.tokens }),
    ...(budget.costUsd !== undefined && { costUsd: budget.costUsd }),
    ...(budget.resources !== undefined && { resources: budget.resources }),
    ...(timeMs !== forever && { timeMs }),
  };
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
