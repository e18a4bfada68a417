import type { RunEvent } from '../contract/event.js';
import type { Stop } from '../contract/stop.js';
import type { Task } from '../contract/task.js';
import { COMPLETED, COMPLETED_WITH_DETAILS, STARTED } from '../state/event-log.js';
import { finishGroup } from './control-flow.js';
import type { Machine } from './machine.js';
import { skipDependents, skipTask } from './settlement.js';
import { announceGoal, checkGoal, isGoalCheckDue, stopStarting } from './termination.js';

/**
 * What follows from an event, told as further events. A rule never calls another one: what it tells
 * has its own consequences when the step gets there.
 */
export function applyRule(machine: Machine, position: number): void {
  const { log } = machine;
  switch (log.kindAt(position)) {
    case STARTED:
      return;
    case COMPLETED:
    case COMPLETED_WITH_DETAILS:
      if (machine.state.goal !== undefined) afterCompletionTowardsGoal(machine);
      if (machine.graph.hasFamilies) afterChild(machine, position);
      return;
    default:
      afterEvent(machine, log.objectAt(position), position);
  }
}

function afterEvent(machine: Machine, event: RunEvent, position: number): void {
  const { state, log } = machine;
  const index = log.indexAt(position);
  switch (event.type) {
    case 'task_failed':
      if (state.stop?.abort === event.error) stopStarting(machine, state.stop);
      else skipDependents(machine, index);
      afterChild(machine, position);
      return;
    case 'task_skipped':
      skipDependents(machine, index);
      afterChild(machine, position);
      return;
    case 'tasks_added':
      if (event.source !== 'for_each') afterAddition(machine, event.tasks);
      return;
    case 'goal_checked':
      if (event.achieved) announceGoal(machine);
      return;
    case 'goal_achieved':
    case 'budget_exceeded':
      stopStarting(machine, state.stop as Stop);
      return;
  }
}

function afterCompletionTowardsGoal(machine: Machine): void {
  if (machine.state.stop === undefined && isGoalCheckDue(machine)) checkGoal(machine);
}

/** The last child to settle ends its group. */
function afterChild(machine: Machine, position: number): void {
  const { graph, state, log, begunGroups } = machine;
  // A stop skips every group that has not ended.
  if (!graph.hasFamilies || state.stop !== undefined) return;
  const parent = graph.parentOf(log.indexAt(position));
  if (parent === undefined || !begunGroups.has(parent)) return;
  if (state.childrenSettledPosition(parent) === position) finishGroup(machine, parent);
}

/** Added tasks that can never begin are skipped at once. */
function afterAddition(machine: Machine, tasks: readonly Task[]): void {
  const { graph, state } = machine;
  const first = graph.indexOf((tasks[0] as Task).id) as number;
  for (let index = first; index < graph.size; index++) {
    if (state.stop !== undefined) {
      const { reason, failedTaskId } = state.stop;
      skipTask(machine, index, reason, failedTaskId);
      continue;
    }
    graph.eachDependency(index, (dependency) => {
      if (dependency >= first || !state.isLost(dependency)) return;
      skipTask(machine, index, 'dependency_failed', state.failedTaskIdOf(dependency));
    });
  }
}
