import type { Stop } from '../contract/stop.js';
import { TaskKind } from '../graph/task-kind.js';
import type { Machine } from './machine.js';

/**
 * The tasks that still run after a stop, by index: those that run after failures, with all of their
 * subtasks. In a group, only if a task of the group has begun: otherwise there is nothing to clean up.
 * The groups that they belong to end after them. A budget that is used up allows nothing more.
 */
export function survivorsOf(machine: Machine, stop: Stop): ReadonlySet<number> {
  const { graph, survivors: known } = machine;
  if (stop.reason === 'budget_exceeded' || !graph.hasKind(TaskKind.afterAny)) return NONE;
  if (known?.stop === stop && known.size === graph.size) return known.indexes;
  const indexes = computeSurvivors(machine);
  machine.survivors = { stop, size: graph.size, indexes };
  return indexes;
}

const NONE: ReadonlySet<number> = new Set();

function computeSurvivors(machine: Machine): ReadonlySet<number> {
  const { graph } = machine;
  const survivors = new Set<number>();
  const begun = begunGroups(machine);
  for (let index = 0; index < graph.size; index++) {
    if (!machine.state.runsAfterFailure(index) || !isInBegunGroups(machine, index, begun)) continue;
    addWithSubtasks(machine, index, survivors);
    for (const group of groupsOf(machine, index)) survivors.add(group);
  }
  return survivors;
}

function begunGroups(machine: Machine): ReadonlySet<number> {
  const { graph, state } = machine;
  const begun = new Set<number>();
  for (let index = 0; graph.hasFamilies && index < graph.size; index++) {
    // Of these two, neither becomes untrue. A question that was only asked leaves nothing behind.
    if (state.attemptsUnderPlan(index) === 0 && !state.isCompleted(index)) continue;
    for (const group of groupsOf(machine, index)) {
      if (begun.has(group)) break;
      begun.add(group);
    }
  }
  return begun;
}

function isInBegunGroups(machine: Machine, index: number, begun: ReadonlySet<number>): boolean {
  for (const group of groupsOf(machine, index)) if (!begun.has(group)) return false;
  return true;
}

function addWithSubtasks(machine: Machine, index: number, into: Set<number>): void {
  into.add(index);
  machine.graph.eachChild(index, (child) => addWithSubtasks(machine, child, into));
}

/** The groups and fan-outs around a task, the innermost first. */
function* groupsOf({ graph }: Machine, index: number): Generator<number> {
  for (let at = graph.parentOf(index); at !== undefined; at = graph.parentOf(at)) yield at;
}
