import { StrategyError } from '../contract/errors.js';
import { COMPLETED_WITH_DETAILS, STARTED } from '../state/event-log.js';
import { expireAttempt } from './attempts.js';
import { admit, open } from './control-flow.js';
import { expireQuestion } from './human-input.js';
import type { Machine } from './machine.js';
import { applyRule } from './rules.js';
import { dispatch, isHeldBack } from './scheduling.js';
import { abortRun, finishRun } from './termination.js';
import { expireApprovals } from './tool-approvals.js';

/** Does the work of one input, and what follows from it. */
export function runStep(machine: Machine, work?: () => void): void {
  try {
    work?.();
    // A run that was about to end when its process did has ended now.
    if (machine.hasEnded) endStep(machine);
    else proceed(machine);
  } catch (error) {
    failStrategy(machine, error);
  }
}

/** Follows every event to its consequences, starts what can start, and ends a run that is done. */
export function proceed(machine: Machine): void {
  const { state, timers, cooldowns } = machine;
  drain(machine);
  const askAgainAt = dispatch(machine);
  if (machine.places !== undefined) machine.isHeldBack = isHeldBack(machine);
  drain(machine);
  machine.nextWake = Math.min(askAgainAt, machine.deadline);
  if (timers.size > 0) machine.nextWake = Math.min(machine.nextWake, timers.next);
  if (cooldowns.isActive) machine.nextWake = Math.min(machine.nextWake, cooldowns.next);
  const isSettled = state.settled === machine.graph.size;
  if (isSettled) machine.options.onSettled?.();
  if (machine.expectedAdditions > 0) return;
  if (isSettled) {
    finishRun(machine);
    drain(machine);
    if (machine.hasEnded) endStep(machine);
  } else if (state.running === 0 && isStuck(machine, askAgainAt)) throw machine.strategy.stalled();
}

/** The worklist: consequences of events first, then tasks that became ready, then openings. */
function drain(machine: Machine): void {
  const { log, graph, state } = machine;
  for (;;) {
    const hasCompletionRules = state.goal !== undefined || graph.hasFamilies;
    while (machine.handled < log.length) {
      const position = machine.handled++;
      const kind = log.kindAt(position);
      // Nothing but the readiness of others follows from most completions.
      if (kind === STARTED || (kind <= COMPLETED_WITH_DETAILS && !hasCompletionRules)) continue;
      applyRule(machine, position);
    }
    if (machine.unblocked.size > 0) admit(machine, machine.unblocked.shift() as number);
    else if (machine.openings.size > 0) open(machine, machine.openings.shift() as number);
    else return;
  }
}

/** Does what is due at the time of the step. */
export function expireTimers(machine: Machine): void {
  const { timers, now } = machine;
  for (let due = timers.take(now); due !== undefined; due = timers.take(now)) {
    expire(machine, due);
    // The consequences of one may clear the timer of the next.
    drain(machine);
  }
}

function expire(machine: Machine, index: number): void {
  const { state, strategy } = machine;
  if (state.approvals.isWaiting(index)) expireApprovals(machine, index);
  else if (state.isRunning(index)) expireAttempt(machine, index);
  else if (state.questions.has(index)) expireQuestion(machine, index);
  else strategy.ready(index);
}

/** Nothing is under way that could ever make the strategy be asked again. */
function isStuck(machine: Machine, askAgainAt: number): boolean {
  const { state, timers, cooldowns, now, deadline } = machine;
  return (
    now < deadline &&
    askAgainAt === Number.POSITIVE_INFINITY &&
    timers.size === 0 &&
    cooldowns.next === Number.POSITIVE_INFINITY &&
    state.questions.size === 0 &&
    state.replan.since === undefined &&
    !state.isPaused &&
    !machine.isHeldBack &&
    !machine.isHalted
  );
}

/** A strategy that breaks its contract ends the run. */
export function failStrategy(machine: Machine, error: unknown): void {
  if (!(error instanceof StrategyError)) throw error;
  abortRun(machine, 'invalid_strategy', error);
  endStep(machine);
}

/** The run has ended: nothing follows any more. */
export function endStep(machine: Machine): void {
  machine.nextWake = Number.POSITIVE_INFINITY;
  machine.handled = machine.log.length;
}
