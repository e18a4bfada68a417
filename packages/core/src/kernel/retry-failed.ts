import type { RetriedTask } from '../contract/event.js';
import type { RunState } from '../state/run-state.js';

/**
 * What is to be done once more after a run has failed: what failed, what was skipped or canceled for
 * it, and what those need. An element that a fan-out has put up with stays as it is, unless something
 * needs that very element.
 */
export function tasksToRetry(state: RunState): RetriedTask[] {
  const { graph } = state;
  const chosen = new Set<number>();
  const stack: number[] = [];
  const choose = (index: number) => {
    if (chosen.has(index) || !isUndone(state, index)) return;
    chosen.add(index);
    stack.push(index);
  };
  for (let index = 0; index < graph.size; index++) {
    if (!isInCompleteTask(state, index)) choose(index);
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

function isUndone(state: RunState, index: number): boolean {
  const status = state.statusOf(index);
  if (status === 'skipped') return state.reasonOf(index) !== 'condition_false';
  return status === 'failed' || status === 'canceled';
}

/** Whether it belongs to something that is complete, whatever became of itself. */
export function isInCompleteTask(state: RunState, index: number): boolean {
  const { graph } = state;
  for (let above = graph.parentOf(index); above !== undefined; above = graph.parentOf(above)) {
    if (state.statusOf(above) === 'completed') return true;
  }
  return false;
}
