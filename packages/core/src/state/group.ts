import { RunnerError, TaskError } from '../contract/errors.js';
import { forEachOf, type ItemResult, requiredSuccesses } from '../contract/for-each.js';
import type { Task } from '../contract/task.js';
import type { Graph } from '../graph/graph.js';
import { TaskKind } from '../graph/task-kind.js';
import type { FanOut } from './fan-out.js';
import type { Inputs } from './inputs.js';
import type { RunState } from './run-state.js';

/**
 * The results of the elements of a fan-out, in the order of its items.
 *
 * @throws {RunnerError} `subtasks_failed` when too few succeeded.
 */
export function resultsOf(index: number, state: RunState): ItemResult[] {
  const results: ItemResult[] = [];
  let succeeded = 0;
  let first: TaskError | undefined;
  state.graph.eachChild(index, (child) => {
    const { id } = taskOf(child, state);
    if (state.isCompleted(child)) {
      succeeded++;
      results.push({ id, status: 'completed', output: state.outputOf(child) });
      return;
    }
    // Somebody skipped it, so that the plan does without it.
    if (state.isNotChosen(child)) return;
    const error = state.errorOf(child) ?? stoppedError(child, id, state);
    first ??= error;
    results.push({ id, status: 'failed', error });
  });
  const { minSuccess } = forEachOf(taskOf(index, state).forEach as NonNullable<Task['forEach']>);
  const required = requiredSuccesses(minSuccess, results.length);
  if (succeeded >= required) return results;
  const count = `${succeeded} of ${results.length} items succeeded, and ${required} must (minSuccess)`;
  throw failure(count, first);
}

/** @throws {RunnerError} `subtasks_failed` unless every subtask completed or was not chosen. */
export function requireSubtasks(index: number, state: RunState): void {
  let missing = 0;
  let first: TaskError | undefined;
  state.graph.eachChild(index, (child) => {
    if (state.statusOf(child) === 'completed' || state.isNotChosen(child)) return;
    missing++;
    first ??= state.errorOf(child);
  });
  if (missing === 0) return;
  const total = state.graph.childCount(index);
  throw failure(`${missing} of its ${total} subtasks did not complete`, first);
}

/** @throws {RunnerError} `subtasks_failed` unless every iteration completed or was skipped on request. */
export function requireIterations(loop: number, state: RunState): void {
  let position = 0;
  state.graph.eachChild(loop, (child) => {
    position++;
    if (!state.isLost(child)) return;
    const error = state.errorOf(child);
    throw failure(`iteration ${position} did not complete`, error);
  });
}

/** The last iteration of a loop that completed. */
export function lastIteration(loop: number, state: RunState): number | undefined {
  const { graph } = state;
  const last = graph.lastChild(loop);
  if (last === undefined || state.isCompleted(last)) return last;
  let found: number | undefined;
  graph.eachChild(loop, (child) => {
    if (state.isCompleted(child)) found = child;
  });
  return found;
}

/** The task of the next iteration of a loop. */
export function nextIteration(loop: number, state: RunState, fanOut: FanOut): Task {
  const { graph } = state;
  const last = lastIteration(loop, state);
  const previous = last === undefined ? undefined : taskOf(last, state).id;
  return fanOut.iterationOf(taskOf(loop, state), graph.childCount(loop) + 1, previous);
}

/**
 * Where a task is in the loops around it: its id without the numbers of iterations, and those numbers,
 * such as `["#2"]`, of the innermost loop first.
 */
export function placeInLoops(
  index: number,
  graph: Graph,
): { readonly id: string; readonly iterations: readonly string[] } {
  let { id } = graph.taskOf(index);
  const iterations: string[] = [];
  let at = index;
  for (let up = graph.parentOf(at); up !== undefined; up = graph.parentOf(at)) {
    const from = graph.taskOf(up).id.length;
    const to = graph.taskOf(at).id.length;
    if ((graph.kindOf(up) & TaskKind.repeat) !== 0) {
      iterations.push(id.slice(from, to));
      id = id.slice(0, from) + id.slice(to);
    }
    at = up;
  }
  return { id, iterations };
}

/**
 * Whether a task belongs to an item of a stream. Its place there says nothing about its output: rows come
 * and go.
 */
export function isOfStream(index: number, graph: Graph): boolean {
  for (let up = graph.parentOf(index); up !== undefined; up = graph.parentOf(up)) {
    if ((graph.kindOf(up) & TaskKind.stream) !== 0) return true;
  }
  return false;
}

/** The outputs of the subtasks by id. */
export function outputsOf(index: number, state: RunState, fanOut: FanOut): Inputs {
  const outputs = Object.create(null) as Record<string, unknown>;
  state.graph.eachChild(index, (child) => {
    if (state.statusOf(child) !== 'completed') return;
    const subtask = taskOf(child, state);
    outputs[fanOut.namesOf(subtask)?.localId ?? subtask.id] = state.outputOf(child);
  });
  return outputs;
}

/** The error of an element that the run stopped before it ended. */
function stoppedError(index: number, id: string, state: RunState): TaskError {
  const why = `it was ${state.statusOf(index)} (${state.reasonOf(index)})`;
  return new TaskError(id, new RunnerError('aborted', why));
}

function taskOf(index: number, { graph }: RunState): Task {
  return graph.tasks[index] as Task;
}

function failure(count: string, first: TaskError | undefined): RunnerError {
  const because = first === undefined ? '' : `. ${first.message}`;
  return new RunnerError('subtasks_failed', count + because, { cause: first });
}
