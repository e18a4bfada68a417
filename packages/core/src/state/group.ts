import { RunnerError, TaskError } from '../contract/errors.js';
import { forEachOf, type ItemResult, requiredSuccesses } from '../contract/for-each.js';
import type { Task } from '../contract/task.js';
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
