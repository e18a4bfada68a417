import type { RetriedTask } from '../contract/event.js';
import type { RunState } from '../state/run-state.js';

/**
 * The tasks to re-run after a run has failed: failed tasks, tasks that were skipped or canceled because
 * of them, and their unfinished dependencies and subtasks. A failed element that its fan-out tolerated
 * stays as it is, unless a task to re-run depends on it. Tasks that ran after a failure run again, and so
 * does all that depends on them.
 */
export function tasksToRetry(state: RunState): RetriedTask[] {
  const { graph } = state;
  /** For each task, whether all of its subtasks run again as well: its inputs may be others. */
  const chosen = new Map<number, boolean>();
  const stack: number[] = [];
  const put = (index: number, isWhole: boolean) => {
    const known = chosen.get(index);
    if (!state.isSettled(index) || known === true || known === isWhole) return;
    // It was skipped on request: the plan does without it.
    if (state.isNotChosen(index) && state.reasonOf(index) === 'requested') return;
    chosen.set(index, isWhole);
    stack.push(index);
  };
  const choose = (index: number) => {
    if (isUnfinished(state, index)) put(index, false);
  };
  for (let index = 0; index < graph.size; index++) {
    if (!hasCompletedAncestor(state, index)) choose(index);
  }
  for (let index = stack.pop(); index !== undefined; index = stack.pop()) {
    graph.eachDependency(index, choose);
    const isWhole = chosen.get(index) === true;
    graph.eachChild(index, (child) => (isWhole ? put(child, true) : choose(child)));
    const wasDone = !isUnfinished(state, index);
    graph.eachDependent(index, (dependent) => {
      if (wasDone || state.runsAfterFailure(dependent)) put(dependent, true);
    });
    // Its group has ended with what it returned.
    const parent = wasDone ? graph.parentOf(index) : undefined;
    if (parent !== undefined) put(parent, false);
  }
  return [...chosen.keys()]
    .sort((a, b) => a - b)
    .map((index) => ({
      taskId: (graph.tasks[index] as { id: string }).id,
      was: state.statusOf(index) as RetriedTask['was'],
    }));
}

function isUnfinished(state: RunState, index: number): boolean {
  const status = state.statusOf(index);
  if (status === 'skipped') return !state.isNotChosen(index);
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
