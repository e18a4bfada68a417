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
  const { state, strategy, cooldowns, now } = machine;
  const maxParallel = state.maxParallel as number;
  if (cooldowns.size > 0) cooldowns.expire(now);
  // At the deadline there is nothing left but to wake and stop.
  while (state.running < maxParallel && !state.isPaused && now < machine.deadline) {
    let choice = machine.held ?? cooldowns.unpark();
    if (choice === undefined) {
      if (!hasReady(machine)) break;
      const next = strategy.next(now);
      if (typeof next !== 'number') return next?.until ?? Number.POSITIVE_INFINITY;
      choice = next;
    }
    if (cooldowns.size > 0 && mustWait(machine, choice)) continue;
    if (machine.options.budget !== undefined && !fitsBudget(machine, choice)) break;
    startAttempt(machine, choice);
  }
  return Number.POSITIVE_INFINITY;
}

/** Whether a task is ready whose resource is not in a cooldown. */
function hasReady({ strategy, cooldowns }: Machine): boolean {
  return cooldowns.size === 0 ? strategy.readyCount > 0 : strategy.hasReadyBeside(cooldowns);
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
  const isFirst = state.attemptsOf(index) === 0;
  const excess = excessOf(options.budget, state, estimate, isFirst, now);
  if (excess === undefined) {
    machine.held = undefined;
    return true;
  }
  machine.held = index;
  if (excess.reserved === 0) {
    const { taskId } = machine.about(index);
    machine.tell({ type: 'budget_exceeded', taskId, ...excess }, index);
  }
  return false;
}
