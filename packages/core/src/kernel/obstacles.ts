import type { Budget } from '../contract/budget.js';
import { estimateOf } from '../contract/task.js';
import { excessAt, excessOf } from './budget.js';
import type { ResourceSet } from './cooldowns.js';
import type { Machine } from './machine.js';

/** The resources at which nothing may start; asked for where there may be some. */
export function closedResources({ cooldowns, places, heldAt, options }: Machine): ResourceSet {
  if (options.budget?.resources === undefined) {
    if (places === undefined) return cooldowns;
    return { has: (resource) => cooldowns.has(resource) || places.isFull(resource) };
  }
  return {
    has: (resource) =>
      heldAt.has(resource) || cooldowns.has(resource) || (places?.isFull(resource) ?? false),
  };
}

/**
 * The next task that the budget of its resource held back, to be looked at again: once in a step, for
 * only the end of an attempt can make room.
 */
export function takeHeld(
  { heldAt, cooldowns, places }: Machine,
  resources: string[],
): number | undefined {
  for (let resource = resources.shift(); resource !== undefined; resource = resources.shift()) {
    if (cooldowns.has(resource) || places?.isFull(resource)) continue;
    const index = heldAt.get(resource);
    heldAt.delete(resource);
    return index;
  }
  return undefined;
}

/** Whether the run would start more attempts if the driver lent it more places. */
export function isHeldBack(machine: Machine): boolean {
  const { state, strategy, cooldowns, places, held, now, deadline } = machine;
  if (machine.isHalted || !places?.isLoanSpent || places.isFullByItself) return false;
  if (state.isPaused || now >= deadline) return false;
  const isHolding = held !== undefined || machine.heldAt.size > 0;
  return strategy.readyCount > 0 || isHolding || cooldowns.hasParked;
}

/** Whether a chosen task has to wait for its resource; it then keeps its place in the line. */
export function mustWait(machine: Machine, closed: ResourceSet, index: number): boolean {
  const { strategy, cooldowns } = machine;
  const resource = strategy.resourceOf(index);
  if (!closed.has(resource)) return false;
  machine.held = undefined;
  cooldowns.park(index, resource);
  return true;
}

/**
 * Looks for room for a start in the budget; if there never will be, the run stops. A task that has to
 * wait is held.
 *
 * @returns What the obstacle holds up: the whole run, or the resource of the task; undefined for none.
 */
export function obstacleIn(budget: Budget, machine: Machine, index: number) {
  const { state, strategy, now } = machine;
  const estimate = estimateOf(machine.task(index));
  const { taskId } = machine.about(index);
  const isFirst = state.attemptsUnderPlan(index) === 0;
  const whole = excessOf(budget, state, estimate, isFirst, now);
  if (whole !== undefined) {
    machine.held = index;
    if (whole !== 'wait') machine.tell({ type: 'budget_exceeded', taskId, ...whole }, index);
    else if (state.budgetWaiting !== index) machine.tell({ type: 'budget_waiting', taskId }, index);
    return 'run';
  }
  machine.held = undefined;
  if (budget.resources === undefined) return undefined;
  const resource = strategy.resourceOf(index);
  const excess = excessAt(resource, budget, state, estimate);
  if (excess === undefined) return undefined;
  if (excess !== 'wait') {
    machine.tell({ type: 'budget_exceeded', taskId, ...excess }, index);
    return 'run';
  }
  machine.heldAt.set(resource, index);
  if (state.budgetWaits.get(resource) !== index) {
    machine.tell({ type: 'budget_waiting', taskId, resource }, index);
  }
  return 'resource';
}
