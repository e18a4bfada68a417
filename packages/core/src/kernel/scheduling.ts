import { estimateOf } from '../contract/task.js';
import { startAttempt } from './attempts.js';
import { excessOf } from './budget.js';
import type { ResourceSet } from './cooldowns.js';
import type { Machine } from './machine.js';

/**
 * Starts what the strategy chooses until it, or a limit, says stop: a cap, the budget, the deadline, or
 * a server that asked to wait.
 *
 * @returns When the strategy wants to be asked again; Infinity for after the next event.
 */
export function dispatch(machine: Machine): number {
  const { state, strategy, cooldowns, places, now, deadline } = machine;
  // No start begins a cooldown, so this holds for the whole loop.
  const hasCooldowns = cooldowns.isActive;
  if (hasCooldowns) cooldowns.expire(now);
  const closed = hasCooldowns || places !== undefined ? closedResources(machine) : undefined;
  if (places !== undefined) cooldowns.retryHeld();
  // At the deadline there is nothing left but to wake and stop.
  if (machine.isHalted || state.isPaused || now >= deadline) return Number.POSITIVE_INFINITY;
  while (places === undefined ? state.running < (state.maxParallel as number) : places.hasRoom) {
    let choice = machine.held ?? (closed && cooldowns.unpark(closed));
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
    if (machine.options.budget !== undefined && !fitsBudget(machine, choice)) break;
    startAttempt(machine, choice);
    if (hasCooldowns) cooldowns.started(strategy.resourceOf(choice), choice, now);
  }
  return Number.POSITIVE_INFINITY;
}

/** The resources at which nothing may start. */
function closedResources({ cooldowns, places }: Machine): ResourceSet {
  if (places === undefined) return cooldowns;
  return { has: (resource) => cooldowns.has(resource) || places.isFull(resource) };
}

/** Whether the run would start more attempts if the driver lent it more places. */
export function isHeldBack(machine: Machine): boolean {
  const { state, strategy, cooldowns, places, held, now, deadline } = machine;
  if (machine.isHalted || !places?.isLoanSpent || places.isFullByItself) return false;
  if (state.isPaused || now >= deadline) return false;
  return strategy.readyCount > 0 || held !== undefined || cooldowns.hasParked;
}

/** Whether a chosen task has to wait for its resource; it then keeps its place in the line. */
function mustWait(machine: Machine, closed: ResourceSet, index: number): boolean {
  const { strategy, cooldowns } = machine;
  const resource = strategy.resourceOf(index);
  if (!closed.has(resource)) return false;
  machine.held = undefined;
  cooldowns.park(index, resource);
  return true;
}

/** Whether the budget allows a start now; if it never will, the run stops. */
function fitsBudget(machine: Machine, index: number): boolean {
  const { state, options, now } = machine;
  if (options.budget === undefined) return true;
  const estimate = estimateOf(machine.task(index));
  const isFirst = state.attemptsUnderPlan(index) === 0;
  const excess = excessOf(options.budget, state, estimate, isFirst, now);
  if (excess === undefined) {
    machine.held = undefined;
    return true;
  }
  machine.held = index;
  const { taskId } = machine.about(index);
  if (excess !== 'wait') machine.tell({ type: 'budget_exceeded', taskId, ...excess }, index);
  else if (state.budgetWaiting !== index) machine.tell({ type: 'budget_waiting', taskId }, index);
  return false;
}
