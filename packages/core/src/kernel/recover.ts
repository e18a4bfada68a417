import { ReplanError, StratagemError } from '../contract/errors.js';
import type { EventData } from '../contract/journal.js';
import { TaskKind } from '../graph/task-kind.js';
import { pauseResource } from './attempts.js';
import { decodeRecorded } from './decode-log.js';
import { startAnswerTimer } from './human-input.js';
import type { Machine } from './machine.js';
import type { RecoverOptions } from './options.js';
import type { Recovery } from './recovery.js';
import { retryRound } from './replan.js';
import { restoreTrials } from './restore-trials.js';
import { tasksToRetry } from './retry-failed.js';
import { skipDependents } from './settlement.js';
import { commandStart } from './step.js';
import { forgetRecordedItems } from './streams.js';
import { survivorsOf } from './survivors.js';
import {
  abortRun,
  announceGoal,
  checkGoal,
  interruptedEnding,
  isGoalCheckDue,
  stopStarting,
} from './termination.js';
import { startApprovalTimer } from './tool-approvals.js';

export type FoldLog = typeof foldLog;

/** Folds a recorded log into a new machine. Nothing is decided: the log may end anywhere. */
export function foldLog(
  machine: Machine,
  log: Iterable<EventData>,
  options: RecoverOptions,
): Recovery {
  const { state, fanOut } = machine;
  const { retryFailed = false, added = new Map(), isAlive = () => false } = options;
  const plan = () => machine.options.plan;
  const { codecs } = machine.options;
  const context = { state, fanOut, plan, added, codecs };
  for (const data of log) {
    const { event, index } = decodeRecorded(data, context);
    state.apply(event, index);
  }
  machine.handled = machine.log.length;
  if (machine.log.length > 0) machine.now = machine.log.timeAt(machine.log.length - 1);
  const hadEnded = state.status !== 'created' && state.status !== 'running';
  const recovery: Recovery = {
    retried: retryFailed ? tasksToRetry(state) : [],
    isAlive,
    hadEnded,
    record: () => recordResumption(machine, recovery),
    resume: () => resumeSteps(machine, recovery),
  };
  return recovery;
}

/** Says that the run is resumed. */
function recordResumption(machine: Machine, { retried, isAlive }: Recovery): void {
  const { graph, state, log, now } = machine;
  const lastAt = log.length === 0 ? now : log.timeAt(log.length - 1);
  const restarted: string[] = [];
  const attached: string[] = [];
  // An attempt that was about to be aborted is not started again.
  const isAborting = state.canceling !== undefined || state.stop?.abort !== undefined;
  const isKept =
    state.canceling === undefined && state.stop !== undefined
      ? survivorsOf(machine, state.stop)
      : new Set<number>();
  for (let index = 0; index < graph.size; index++) {
    if (!state.isRunning(index)) continue;
    if (isAborting && retried.length === 0 && !isKept.has(index)) continue;
    const { id } = machine.task(index);
    (isAlive(id, state.attemptsOf(index)) ? attached : restarted).push(id);
  }
  machine.tell({
    type: 'run_resumed',
    downtimeMs: Math.max(0, now - lastAt),
    restarted,
    ...(attached.length > 0 && { attached }),
    ...(retried.length > 0 && { retried }),
  });
}

/**
 * Completes the step that the log stops in, and makes again what only lives in memory: timers, open
 * groups, ready tasks, commands for attempts in flight.
 */
function resumeSteps(machine: Machine, { isAlive }: Recovery): void {
  const { graph, state } = machine;
  if (state.canceling !== undefined) {
    abortRun(machine, state.canceling, interruptedEnding(state.canceling));
    return;
  }
  restoreCooldowns(machine);
  const { stop } = state;
  if (stop !== undefined) {
    if (stop.reason === 'goal_achieved') announceGoal(machine);
    stopStarting(machine, stop);
  } else if (isGoalCheckDue(machine)) checkGoal(machine);
  restoreWaits(machine);
  for (let index = 0; index < graph.size; index++) {
    if (!state.isRunning(index)) continue;
    const attempt = state.attemptsOf(index);
    commandStart(machine, index, isAlive(machine.task(index).id, attempt));
    if (state.approvals.isWaiting(index)) startApprovalTimer(machine, index);
  }
  restoreRound(machine);
  if (machine.options.forgetsItems && graph.hasKind(TaskKind.stream)) forgetRecordedItems(machine);
}

/** The servers that asked to wait, the last one included if the log stops before it says so. */
function restoreCooldowns(machine: Machine): void {
  const { state, log, cooldowns } = machine;
  restoreTrials(cooldowns, state, (index) => machine.strategy.resourceOf(index));
  const last = lastRecorded(machine);
  if (last === undefined) return;
  const event = log.eventAt(last);
  if (event.type !== 'task_retrying' && event.type !== 'task_failed') return;
  if (event.attempt === 0) return;
  pauseResource(machine, log.indexAt(last), event.error, event.timestamp);
}

/** Position of the last event before the run was resumed. */
function lastRecorded({ log }: Machine): number | undefined {
  for (let position = log.length - 1; position > 0; position--) {
    if (log.typeAt(position) === 'run_resumed') return position - 1;
  }
  return undefined;
}

/** Puts every task that has not started where it was, and skips what can never begin. */
function restoreWaits(machine: Machine): void {
  const { graph, state, timers, strategy, now } = machine;
  for (let index = 0; index < graph.size; index++) {
    const isSettled = !state.isPending(index) && !state.isRunning(index);
    if (isSettled && !state.isCompleted(index)) skipDependents(machine, index);
  }
  const unblocked: number[] = [];
  for (let index = 0; index < graph.size; index++) {
    if (!state.isPending(index)) continue;
    const dueAt = state.retries.get(index);
    if (dueAt !== undefined) {
      if (dueAt > now) timers.set(index, dueAt);
      else strategy.ready(index);
    } else if (state.questions.has(index)) startAnswerTimer(machine, index);
    else if (state.isAdmissible(index)) unblocked.push(index);
  }
  // In the order in which they came to be ready.
  unblocked.sort((a, b) => state.unblockedPosition(a) - state.unblockedPosition(b) || a - b);
  for (const index of unblocked) machine.unblocked.push(index);
}

/** Asks once more for the revision that was in flight, if one was. */
function restoreRound(machine: Machine): void {
  const { state, options } = machine;
  if (state.replan.since === undefined) return;
  if (options.replan !== undefined) {
    retryRound(machine, options.replan);
    return;
  }
  const reason = new StratagemError('aborted', 'the run was resumed without re-planning');
  const error = new ReplanError(state.replan.rounds, reason, {});
  machine.tell({ type: 'replan_failed', round: state.replan.rounds, durationMs: 0, error });
}
