import { estimateOf } from '../contract/task.js';
import { startAttempt } from './attempts.js';
import { excessOf } from './budget.js';
import type { Machine } from './machine.js';

/**
 * Starts what the strategy chooses until it, or a limit, says stop: the cap, the budget, the deadline,
 * or a server that asked to wait.
 *
 * @returns When the strategy wants to be asked again; Infinity for after the next event.
 */
export function dispatch(machine: Machine): number {
  const { state, strategy, cooldowns, now, deadline } = machine;
  const maxParallel = state.maxParallel as number;
  // No start begins a cooldown, so this holds for the whole loop.
  const hasCooldowns = cooldowns.isActive;
  if (hasCooldowns) cooldowns.expire(now);
  // At the deadline there is nothing left but to wake and stop.
  while (state.running < maxParallel && !state.isPaused && now < deadline) {
    let choice = machine.held ?? (hasCooldowns ? cooldowns.unpark() : undefined);
    if (choice === undefined) {
      if (strategy.readyCount === 0) break;
      if (hasCooldowns && !strategy.hasReadyBeside(cooldowns)) break;
      const next = strategy.next(now);
      if (typeof next !== 'number') return next?.until ?? Number.POSITIVE_INFINITY;
      choice = next;
    }
    if (hasCooldowns && mustWait(machine, choice)) continue;
    if (machine.options.budget !== undefined && !fitsBudget(machine, choice)) break;
    startAttempt(machine, choice);
    if (hasCooldowns) cooldowns.started(strategy.resourceOf(choice), choice);
  }
  return Number.POSITIVE_INFINITY;
}

/** Whether a chosen task has to wait for its resource; it then keeps its place in the line. */
function mustWait(machine: Machine, index: number): boolean {
  const { strategy, cooldowns } = machine;
  const resource = strategy.resourceOf(index);
  if (!cooldowns.has(resource)) return false;
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
  if (excess !== 'wait') {
    const { taskId } = machine.about(index);
    machine.tell({ type: 'budget_exceeded', taskId, ...excess }, index);
  }
  return false;
}
