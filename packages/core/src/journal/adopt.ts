import {
  type EarlierAttempts,
  isMadeFromTemplate,
  type RunLimits,
  type RunOrigin,
  type SkipReason,
} from '../contract/event.js';
import type { EventData, Json } from '../contract/journal.js';
import { isNotChosenFor } from '../contract/skip-reason.js';
import type { Task } from '../contract/task.js';
import type { SpendingData } from '../contract/usage.js';
import { Graph } from '../graph/graph.js';
import { TaskKind } from '../graph/task-kind.js';
import { hasCompletedAncestor } from '../kernel/retry-failed.js';
import { planFromData } from '../serialize/decode-plan.js';
import { countTasks, type PlanData, subtasksIn, type TaskData } from '../serialize/plan.js';
import { diffPlans } from '../serialize/plan-diff.js';
import type { RunState } from '../state/run-state.js';
import { GATE_FIELDS, groupsUsing, isPlainGroup, tasksUsing } from './input-users.js';
import { type Changes, type Invalidation, invalidationOf } from './invalidation.js';
import { countKept, type Round, replacedBy, roundsIn } from './kept-rounds.js';
import { lastEnds } from './last-ends.js';
import { LogReader } from './log-reader.js';

/** A changed plan that replaces the plan of a recorded run. */
interface Adoption {
  readonly runId: string;
  /** The recorded run, from the `run_started` of its current plan on. */
  readonly log: readonly EventData[];
  readonly planData: PlanData;
  readonly limits: RunLimits;
  /** The values of the inputs of the changed plan. */
  readonly inputs?: Json | undefined;
  /** As Unix time in milliseconds. */
  readonly now: number;
  /** For a new run that begins with the results of the recorded one. */
  readonly fork?: RunOrigin | undefined;
}

/**
 * The events that continue a run under a changed plan, or begin a fork of it. They start the run again, with
 * every completed and unchanged task completed at no cost. A task counts as changed when it, a dependency of it or a
 * task that it belongs to has changed.
 */
export function adoptedLog(adoption: Adoption): EventData[] {
  const { runId, log, planData, limits, inputs, now, fork } = adoption;
  const state = stateOf(log);
  const [started] = log as [EventData];
  const after = new Graph(planFromData(planData).tasks);
  const changes = changesOf(started.plan as PlanData, planData, after, {
    changed: indexesOf(after, tasksUsing(planData.tasks, fork?.inputs)),
    outcomes: indexesOf(after, groupsUsing(planData.tasks, fork?.inputs)),
  });
  const again = [
    ...indexesOf(state.graph, fork?.tasks),
    ...indexesOf(state.graph, tasksUsing(addedIn(log), fork?.inputs)),
    ...indexesOf(state.graph, groupsUsing(addedIn(log), fork?.inputs)),
  ];
  const { invalidation, rounds } = keptPart(log, state, after, changes, again);
  const isReplaced = replacedBy(rounds, state);
  const past: Past = { runId, state, ends: lastEnds(log), ...invalidation, rounds, isReplaced };
  let sequence = fork === undefined ? (log.at(-1) as EventData).sequence : -1;
  const stamp = () => ({ sequence: ++sequence, timestamp: now });
  const events: EventData[] = [
    {
      type: 'run_started',
      ...stamp(),
      plan: planData,
      taskCount: countTasks(planData.tasks as unknown as readonly Task[]),
      seed: started.seed as Json,
      limits: limits as Json,
      ...(inputs !== undefined && { inputs }),
      ...(fork === undefined
        ? restartFields(started, state, invalidation)
        : { forkedFrom: fork as unknown as Json }),
    },
  ];
  for (const event of log) {
    const adopted = adoptedEvent(event, past);
    if (adopted !== undefined) events.push({ ...adopted, ...stamp() });
  }
  return events;
}

/** What is kept, with the rounds of re-planning whose tasks are. */
function keptPart(
  log: readonly EventData[],
  state: RunState,
  after: Graph,
  changes: Changes,
  again: readonly number[],
): { readonly invalidation: Invalidation; readonly rounds: readonly Round[] } {
  const all = roundsIn(log, state);
  for (let kept = all.length; ; ) {
    const rounds = all.slice(0, kept);
    const removed = all.slice(kept).flatMap(({ added }) => added);
    const late = tasksRunAgain(state, replacedBy(rounds, state));
    const invalidation = invalidationOf(log, state, after, changes, [...again, ...late], removed);
    const next = countKept(rounds, state, invalidation);
    if (next === kept) return { invalidation, rounds };
    kept = next;
  }
}

/** What a run keeps that starts again in its own log. */
function restartFields(
  started: EventData,
  state: RunState,
  invalidation: Invalidation,
): { readonly [field: string]: Json } {
  const { trace, forkedFrom } = started;
  return {
    ...(trace !== undefined && { trace }),
    ...(forkedFrom !== undefined && { forkedFrom }),
    spentBefore: spentIn(state) as unknown as Json,
    ...attemptsBefore(started, state, invalidation),
  };
}

/** The tasks that were added at run time, as they are written. */
function addedIn(log: readonly EventData[]): TaskData[] {
  const isAddition = (event: EventData) =>
    event.type === 'tasks_added' && !isMadeFromTemplate(event);
  return log.filter(isAddition).flatMap(({ tasks }) => tasks as unknown as TaskData[]);
}

function indexesOf(graph: Graph, ids: readonly string[] = []): number[] {
  return ids.flatMap((id) => graph.indexOf(id) ?? []);
}

/**
 * Tasks that ran after failures, where the failed tasks run again.
 *
 * @param isReplaced Whether a failure stays as it is.
 */
function tasksRunAgain(state: RunState, isReplaced: (index: number) => boolean): number[] {
  const { graph } = state;
  const again: number[] = [];
  for (let index = 0; graph.hasKind(TaskKind.afterAny) && index < graph.size; index++) {
    if (!state.runsAfterFailure(index)) continue;
    let isFailureKept = true;
    graph.eachDependency(index, (dependency) => {
      const isKept = isReplaced(dependency) || hasCompletedAncestor(state, dependency);
      if (state.isLost(dependency) && !isKept) isFailureKept = false;
    });
    if (!isFailureKept) again.push(index);
  }
  return again;
}

/** The attempts so far, so that a new request never gets the key of another one. */
function attemptsBefore(
  started: EventData,
  state: RunState,
  { valid }: Invalidation,
): { readonly attemptsBefore?: Json } {
  // Of earlier plans, too: a removed task may come back.
  const given = (started.attemptsBefore ?? []) as unknown as EarlierAttempts[];
  const all = new Map(given.map((each) => [each[0], each]));
  for (const [index, { id }] of state.graph.tasks.entries()) {
    const earlier = all.get(id);
    const isUntouched = state.attemptsUnderPlan(index) === 0;
    const isRepeated = isUntouched ? (earlier?.[2] ?? false) : state.isRunning(index);
    const attempts = isUntouched ? (earlier?.[1] ?? 0) : state.attemptsOf(index);
    if (attempts > 0) all.set(id, [id, attempts, isRepeated && valid.has(id)]);
  }
  return all.size === 0 ? {} : { attemptsBefore: [...all.values()] };
}

function stateOf(log: readonly EventData[]): RunState {
  const reader = new LogReader(undefined, 'all');
  for (const event of log) reader.read(event);
  return reader.state as RunState;
}

function spentIn({ spending, ledgers }: RunState): SpendingData {
  return { ...spending.data, ...(ledgers !== undefined && { resources: ledgers.data }) };
}

/** What the new log repeats of the recorded run. */
interface Past extends Invalidation {
  readonly runId: string;
  readonly state: RunState;
  /** The events that ended the tasks, by task. */
  readonly ends: ReadonlyMap<string, EventData>;
  /** The rounds of re-planning that are kept. */
  readonly rounds: readonly Round[];
  /** Whether one of these rounds answered for what a task did not do. */
  readonly isReplaced: (index: number) => boolean;
}

/** The event as the new log repeats it; undefined when it does not. */
function adoptedEvent(event: EventData, past: Past): EventData | undefined {
  const { runId, present, valid, rounds, ends } = past;
  const { type, taskId } = event;
  const isValid = taskId !== undefined && valid.has(taskId);
  if (type === 'tasks_added') {
    if (isMadeFromTemplate(event)) return isValid ? event : undefined;
    return onlyTasks(event, present);
  }
  // What somebody said about the goal holds for the changed plan as well.
  if (type === 'criterion_met') return event;
  if (type === 'replan_started' || type === 'replan_completed') {
    return rounds.some(({ round }) => round === event.round) ? roundWithoutCost(event) : undefined;
  }
  return isValid && ends.get(taskId) === event && isKept(event, past)
    ? withoutCost(event, runId)
    : undefined;
}

function roundWithoutCost(event: EventData): EventData {
  if (event.type === 'replan_started') return event;
  const { usage: _, costUsd: __, ...round } = event;
  return { ...round, durationMs: 0 } as unknown as EventData;
}

/** The addition of the tasks that are still present; undefined when none is. */
function onlyTasks(event: EventData, present: ReadonlySet<string>): EventData | undefined {
  const added = event.tasks as unknown as readonly Task[];
  const tasks = added.filter(({ id }) => present.has(id));
  if (tasks.length === 0) return undefined;
  return { ...event, tasks: tasks as unknown as Json, taskCount: countTasks(tasks) };
}

/** Whether the end of a valid task is repeated. Failed tasks run again. */
function isKept({ type, taskId, reason }: EventData, { state, isReplaced }: Past): boolean {
  if (type === 'task_completed') return true;
  if (type === 'task_skipped' && isNotChosenFor(reason as SkipReason)) return true;
  const index = state.graph.indexOf(taskId as string) as number;
  if (isReplaced(index)) return true;
  // A completed group or fan-out has tolerated the failures inside it.
  return type !== 'task_canceled' && hasCompletedAncestor(state, index);
}

/** The end of a task, for which nothing is spent again. */
function withoutCost(event: EventData, runId: string): EventData {
  const { usage: _, costUsd: __, rateLimits: ___, ...end } = event;
  if (event.type === 'task_skipped') {
    const { attempt: _, durationMs: __, ...skipped } = event;
    return skipped as EventData;
  }
  const free = { ...end, attempt: 0, durationMs: 0 } as unknown as EventData;
  if (event.type === 'task_completed') return { ...free, reused: event.reused ?? { runId } };
  if (event.error === undefined) return free;
  const { usage: ____, costUsd: _____, tries: ______, ...error } = event.error as Fields;
  return { ...free, error };
}

type Fields = { readonly [field: string]: Json };

/** Fields of the plan of a module that change its result, and none of its tasks. */
const RESULT_FIELDS: readonly string[] = ['plan.outputs', 'plan.goal', 'plan.metadata'];

function changesOf(
  before: PlanData,
  planData: PlanData,
  after: Graph,
  affected: { readonly changed: readonly number[]; readonly outcomes: readonly number[] },
): Changes {
  const changed = new Set<number>();
  const outcomes = new Set<number>();
  const stack: number[] = [];
  const put = (set: Set<number>, index: number) => {
    if (set.has(index)) return;
    set.add(index);
    stack.push(index);
  };
  const change = (index: number) => put(changed, index);
  affected.changed.forEach(change);
  for (const index of affected.outcomes) put(outcomes, index);
  const parents = parentsIn(before);
  for (const { taskId, kind, fields } of diffPlans(before, planData).tasks) {
    const index = after.indexOf(taskId);
    if (index !== undefined) {
      const isGroup = kind === 'changed' && isPlainGroup(after.taskOf(index));
      const isOwn = (field: string) =>
        isGroup ? !GATE_FIELDS.includes(field) : RESULT_FIELDS.includes(field);
      put(fields.length > 0 && fields.every(isOwn) ? outcomes : changed, index);
    }
    // The output of a group lacks the removed task.
    const parent = kind === 'removed' ? after.indexOf(parents.get(taskId) ?? '') : undefined;
    if (parent !== undefined) put(outcomes, parent);
  }
  for (let index = stack.pop(); index !== undefined; index = stack.pop()) {
    if (changed.has(index)) after.eachChild(index, change);
    after.eachDependent(index, change);
    const parent = after.parentOf(index);
    if (parent !== undefined) put(outcomes, parent);
  }
  return { changed, outcomes };
}

function parentsIn({ tasks }: PlanData): ReadonlyMap<string, string> {
  const parents = new Map<string, string>();
  const visit = (list: readonly TaskData[], parent: string | undefined) => {
    for (const task of list) {
      if (parent !== undefined) parents.set(task.id, parent);
      visit(subtasksIn(task), task.id);
    }
  };
  visit(tasks, undefined);
  return parents;
}
