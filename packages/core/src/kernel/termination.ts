import { describe, StratagemError } from '../contract/errors.js';
import type { CancelReason, RunEnding } from '../contract/event.js';
import type { Stop } from '../contract/stop.js';
import { endingOf } from '../state/outcome.js';
import { discardAttempt } from './aborted-attempt.js';
import type { Machine } from './machine.js';
import { abortRound, beginRound, replanRefusal } from './replan.js';
import { withoutSecrets } from './settlement.js';
import { continueStream, isStream } from './streams.js';
import { survivorsOf } from './survivors.js';

// --- The goal ---

export function isGoalCheckDue({ state, options }: Machine): boolean {
  return state.goal !== undefined && state.unchecked >= (options.plan.goalCheckInterval ?? 1);
}

export function checkGoal(machine: Machine): void {
  const { state, now } = machine;
  const progress = state.goal?.check(state, now);
  if (progress !== undefined) machine.tell({ type: 'goal_checked', ...progress });
}

export function announceGoal(machine: Machine): void {
  const { isGoalAnnounced, goalProgress } = machine.state;
  if (isGoalAnnounced) return;
  machine.tell({ type: 'goal_achieved', progress: goalProgress?.progress ?? 1 });
}

// --- Stops: nothing more starts, and the run ends when everything has settled ---

/**
 * Skips every task that has not started, except those that run after failures. Attempts in flight go on
 * to their end, unless the stop has an error to abort them with.
 */
export function stopStarting(machine: Machine, stop: Stop): void {
  const { graph, state, timers, strategy } = machine;
  const { reason, failedTaskId, abort } = stop;
  const why = `the run stopped before it had an answer (${reason})`;
  abortRound(machine, new StratagemError('aborted', why));
  const because = failedTaskId === undefined ? { reason } : { reason, failedTaskId };
  const survivors = survivorsOf(machine, stop);
  for (let index = 0; index < graph.size; index++) {
    if (survivors.has(index)) {
      // One that waits for items alone need not wait any longer.
      if (isStream(machine, index) && machine.begunGroups.has(index))
        continueStream(machine, index);
      continue;
    }
    if (state.isPending(index)) {
      machine.tell({ type: 'task_skipped', ...machine.about(index), ...because }, index);
      timers.clear(index);
      strategy.withdraw(index);
    } else if (abort !== undefined && state.isRunning(index)) {
      cancelTask(machine, index, reason as CancelReason, abort);
      discardAttempt(machine, index);
    }
  }
}

// --- Ends: everything is canceled, and the run is over ---

export function failAtDeadline(machine: Machine): void {
  const { deadlineMs } = machine.options;
  const message = `The run was stopped: deadline of ${deadlineMs} ms exceeded`;
  abortRun(machine, 'deadline_exceeded', new StratagemError('deadline_exceeded', message));
}

export function cancelRun(machine: Machine, cause: unknown): void {
  const because = cause === undefined ? '' : `: ${describe(cause)}`;
  const message = `The run was canceled${because}`;
  const error = new StratagemError('run_canceled', message, { cause });
  abortRun(machine, 'run_canceled', withoutSecrets(machine, error) as StratagemError);
}

/** Aborts attempts in flight, cancels what has not started, and ends the run. */
export function abortRun(machine: Machine, reason: CancelReason, error: StratagemError): void {
  const { graph, state } = machine;
  for (let index = 0; index < graph.size; index++) {
    if (state.isPending(index) || state.isRunning(index)) {
      cancelTask(machine, index, reason, error);
    }
  }
  abortRound(machine, error);
  machine.forgetReady();
  const type = reason === 'run_canceled' ? 'run_canceled' : 'run_failed';
  endRun(machine, { type, error });
}

/** How a run ends that was being canceled when its process ended, before the log could say how. */
export function interruptedEnding(reason: CancelReason): StratagemError {
  switch (reason) {
    case 'deadline_exceeded':
      return new StratagemError(
        'deadline_exceeded',
        'The run was stopped: its deadline was exceeded',
      );
    case 'invalid_strategy':
      return new StratagemError(
        'invalid_strategy',
        'The run was stopped: its strategy broke its contract',
      );
    default:
      return new StratagemError('run_canceled', 'The run was canceled');
  }
}

function cancelTask(
  machine: Machine,
  index: number,
  reason: CancelReason,
  error: StratagemError,
): void {
  const { state, timers, commands, now } = machine;
  const isRunning = state.isRunning(index);
  const attempt = state.attemptsOf(index);
  const duration = isRunning ? { durationMs: now - state.startedAtOf(index) } : {};
  const about = machine.about(index);
  machine.tell({ type: 'task_canceled', ...about, attempt, reason, ...duration }, index);
  timers.clear(index);
  if (isRunning) commands.push({ type: 'abort', index, attempt, error });
}

// --- All tasks have settled ---

/** Ends the run, or revises its plan instead. */
export function finishRun(machine: Machine): void {
  const { state, options, now } = machine;
  if (state.replan.since !== undefined) return;
  if (state.stop?.ending !== undefined) {
    endRun(machine, state.stop.ending);
    return;
  }
  const progress = state.goal?.check(state, now);
  // A run that stops at the first failure is not revised.
  const limits = state.stop === undefined ? options.replan : undefined;
  const refusal = limits && replanRefusal(machine, limits);
  const ending = endingOf(state, progress, refusal);
  const isRevised = ending.type === 'run_failed' && refusal === undefined;
  if (limits !== undefined && isRevised && state.isPaused) return;
  if (progress !== undefined) machine.tell({ type: 'goal_checked', ...progress });
  if (progress?.achieved) announceGoal(machine);
  if (limits !== undefined && isRevised) beginRound(machine, limits);
  else endRun(machine, ending);
}

function endRun(machine: Machine, ending: RunEnding): void {
  const durationMs = machine.now - machine.state.runStartedAt;
  machine.tell({ ...ending, durationMs });
}
