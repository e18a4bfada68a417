import { isMadeFromTemplate, type RunEvent } from '../contract/event.js';
import type { Stop } from '../contract/stop.js';
import type { Task } from '../contract/task.js';
import { TaskKind } from '../graph/task-kind.js';
import { COMPLETED, COMPLETED_WITH_DETAILS, STARTED } from '../state/event-log.js';
import { finishGroup } from './control-flow.js';
import { endIteration, isLoop } from './loop.js';
import type { Machine } from './machine.js';
import { skipDependents, skipFor, skipTask } from './settlement.js';
import { isStream, readMeanwhile, settleItem } from './streams.js';
import { survivorsOf } from './survivors.js';
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
  const { graph, state, log } = machine;
  const index = log.indexAt(position);
  switch (event.type) {
    case 'task_failed':
    case 'task_canceled':
      if (event.error !== undefined && state.stop?.abort === event.error) {
        stopStarting(machine, state.stop);
      }
      skipDependents(machine, index);
      afterChild(machine, position);
      return;
    case 'task_skipped':
      skipDependents(machine, index);
      afterChild(machine, position);
      return;
    case 'task_retrying':
    case 'task_waiting':
      readMeanwhile(machine, index);
      return;
    case 'tasks_added':
      // A fan-out or a loop whose dependencies are lost has begun only after failures.
      if (!isMadeFromTemplate(event) || graph.hasKind(TaskKind.afterAny)) {
        afterAddition(machine, event.tasks);
      }
      return;
    case 'goal_checked':
      if (event.achieved) announceGoal(machine);
      return;
    case 'criterion_met':
      if (state.stop === undefined) checkGoal(machine);
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

/** The last child to settle ends its group, and each iteration may end its loop. */
function afterChild(machine: Machine, position: number): void {
  const { graph, state, log, begunGroups } = machine;
  if (!graph.hasFamilies) return;
  const index = log.indexAt(position);
  const parent = graph.parentOf(index);
  if (parent === undefined || !begunGroups.has(parent)) return;
  // A stop skips every other group that has not ended.
  if (state.stop !== undefined && !survivorsOf(machine, state.stop).has(parent)) return;
  if (isLoop(machine, parent)) endIteration(machine, parent, index);
  else if (isStream(machine, parent)) settleItem(machine, parent, index);
  else if (state.groups.settledPosition(parent) === position) finishGroup(machine, parent);
}

/** Added tasks that can never begin are skipped at once. */
function afterAddition(machine: Machine, tasks: readonly Task[]): void {
  const { graph, state } = machine;
  const [added] = tasks;
  if (added === undefined) return;
  const first = graph.indexOf(added.id) as number;
  const { stop } = state;
  const survivors = stop && survivorsOf(machine, stop);
  for (let index = first; index < graph.size; index++) {
    if (stop !== undefined && !survivors?.has(index)) {
      skipTask(machine, index, stop.reason, stop.failedTaskId);
      continue;
    }
    if (state.runsAfterFailure(index)) continue;
    graph.eachDependency(index, (dependency) => {
      if (dependency < first && state.isLost(dependency)) skipFor(machine, index, dependency);
    });
  }
}
