import { StrategyError } from '../contract/errors.js';
import type { Task } from '../contract/task.js';
import { NOT_PLAIN } from '../graph/task-kind.js';
import { COMPLETED_WITH_DETAILS, STARTED } from '../state/event-log.js';
import { expireAttempt, startAttemptTimer } from './attempts.js';
import { admitSpecial, open } from './control-flow.js';
import { expireQuestion } from './human-input.js';
import type { Machine } from './machine.js';
import { closedResources, isHeldBack, mustWait, obstacleIn, takeHeld } from './obstacles.js';
import { applyRule } from './rules.js';
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
  const { state, timers, cooldowns, log } = machine;
  drain(machine);
  const askAgainAt = dispatch(machine);
  if (machine.places !== undefined) machine.isHeldBack = isHeldBack(machine);
  if (machine.handled < log.length) drain(machine);
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
  const { log, graph, state, unblocked, openings } = machine;
  for (;;) {
    const hasCompletionRules = state.goal !== undefined || graph.hasFamilies;
    while (machine.handled < log.length) {
      const position = machine.handled++;
      const kind = log.kindAt(position);
      // Nothing but the readiness of others follows from most completions.
      if (kind === STARTED || (kind <= COMPLETED_WITH_DETAILS && !hasCompletionRules)) continue;
      applyRule(machine, position);
    }
    if (unblocked.size > 0) {
      const index = unblocked.shift() as number;
      // A dependency that failed may have skipped it meanwhile.
      if (!state.isPending(index)) continue;
      const isPlain = (graph.kindOf(index) & NOT_PLAIN) === 0 && !graph.hasFamilies;
      if (isPlain && !state.waits.hasUnchosen) machine.strategy.ready(index);
      else admitSpecial(machine, index);
    } else if (openings.size > 0) open(machine, openings.shift() as number);
    else break;
  }
}

/**
 * Starts what the strategy chooses until it, or a limit, says stop: a cap, the budget, the deadline, or
 * a server that asked to wait.
 *
 * @returns When the strategy wants to be asked again; Infinity for after the next event.
 */
function dispatch(machine: Machine): number {
  const { state, strategy, cooldowns, places, now, deadline } = machine;
  const { budget } = machine.options;
  // No start begins a cooldown, so this holds for the whole loop.
  const hasCooldowns = cooldowns.isActive;
  if (hasCooldowns) cooldowns.expire(now);
  const mayBeClosed = hasCooldowns || places !== undefined || budget?.resources !== undefined;
  const closed = mayBeClosed ? closedResources(machine) : undefined;
  const heldAt = machine.heldAt.size > 0 ? [...machine.heldAt.keys()] : undefined;
  if (hasCooldowns) cooldowns.retryHeld();
  // At the deadline there is nothing left but to wake and stop.
  if (machine.isHalted || state.isPaused || now >= deadline) return Number.POSITIVE_INFINITY;
  while (places === undefined ? state.running < (state.maxParallel as number) : places.hasRoom) {
    let choice =
      machine.held ?? (heldAt && takeHeld(machine, heldAt)) ?? (closed && cooldowns.unpark(closed));
    if (choice !== undefined && !state.isPending(choice)) {
      // It was skipped or canceled while it was held back.
      machine.held = undefined;
      strategy.discarded(choice);
      continue;
    }
    if (choice === undefined) {
      if (strategy.readyCount === 0) break;
      if (closed !== undefined && !strategy.hasReadyBeside(closed)) break;
      const next = strategy.next(now);
      if (typeof next !== 'number') {
        if (!state.strategyWaits) machine.tell({ type: 'strategy_waiting' });
        return next?.until ?? Number.POSITIVE_INFINITY;
      }
      choice = next;
    }
    if (closed !== undefined && mustWait(machine, closed, choice)) continue;
    if (budget !== undefined) {
      const obstacle = obstacleIn(budget, machine, choice);
      if (obstacle === 'run') break;
      if (obstacle === 'resource') continue;
    }
    const resource = strategy.onlyResource ?? strategy.resourceOf(choice);
    state.recordStart(choice, now, resource);
    // Nothing follows from a start.
    if (machine.handled === machine.log.length - 1) machine.handled++;
    places?.started();
    commandStart(machine, choice);
    if (hasCooldowns) cooldowns.started(resource, choice, now);
  }
  return Number.POSITIVE_INFINITY;
}

/** Has the driver start the attempt that is in flight by the state. */
export function commandStart(machine: Machine, index: number, isAttached = false): void {
  const { graph, state, now, deadline, idleTimeoutMs, timeoutMs: usualMs } = machine;
  const task = graph.tasks[index] as Task;
  const timeoutMs = task.timeoutMs ?? usualMs;
  const until = Math.min(deadline, now + timeoutMs);
  const isLimited = timeoutMs !== Number.POSITIVE_INFINITY;
  const mayIdle = (task.idleTimeoutMs ?? idleTimeoutMs) !== undefined;
  const hasBegun = state.notBegun.size === 0 || !state.notBegun.has(index);
  if (hasBegun && (isLimited || mayIdle)) startAttemptTimer(machine, index);
  machine.commands.push({
    type: 'start',
    index,
    attempt: state.attemptsOf(index),
    deadline: until === Number.POSITIVE_INFINITY ? undefined : until,
    isAttached,
  });
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
    machine.reading.size === 0 &&
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
