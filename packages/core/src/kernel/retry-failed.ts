import type { RetriedTask } from '../contract/event.js';
import type { RunState } from '../state/run-state.js';

/**
 * The tasks to re-run after a run has failed: failed tasks, tasks that were skipped or canceled because
 * of them, and their unfinished dependencies and subtasks. A failed element that its fan-out tolerated
 * stays as it is, unless a task to re-run depends on it.
 */
export function tasksToRetry(state: RunState): RetriedTask[] {
  const { graph } = state;
  const chosen = new Set<number>();
  const stack: number[] = [];
  const choose = (index: number) => {
    if (chosen.has(index) || !isUnfinished(state, index)) return;
    chosen.add(index);
    stack.push(index);
  };
  for (let index = 0; index < graph.size; index++) {
    if (!hasCompletedAncestor(state, index)) choose(index);
  }
  for (let index = stack.pop(); index !== undefined; index = stack.pop()) {
    graph.eachDependency(index, choose);
    graph.eachChild(index, choose);
  }
  return [...chosen]
    .sort((a, b) => a - b)
    .map((index) => ({
      taskId: (graph.tasks[index] as { id: string }).id,
      was: state.statusOf(index) as RetriedTask['was'],
    }));
}

function isUnfinished(state: RunState, index: number): boolean {
  const status = state.statusOf(index);
  if (status === 'skipped') return state.reasonOf(index) !== 'condition_false';
  return status === 'failed' || status === 'canceled';
}

/** Whether a task belongs, directly or not, to a completed group or fan-out. */
export function hasCompletedAncestor(state: RunState, index: number): boolean {
  const { graph } = state;
  for (let above = graph.parentOf(index); above !== undefined; above = graph.parentOf(above)) {
    if (state.statusOf(above) === 'completed') return true;
  }
  return false;
}
