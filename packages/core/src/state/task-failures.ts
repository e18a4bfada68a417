import { NO_FAILURES, type TaskFailure } from '../contract/run-after.js';
import type { Task } from '../contract/task.js';
import type { FanOut } from './fan-out.js';
import type { RunState } from './run-state.js';

/**
 * The failures that a task runs after, each one once: those of its dependencies and, for the element of
 * a fan-out or the iteration of a loop, those of the fan-out or the loop.
 */
export function failuresBefore(
  index: number,
  state: RunState,
  fanOut: FanOut,
): readonly TaskFailure[] {
  const { graph } = state;
  let owner = index;
  while (fanOut.originOf(graph.tasks[owner] as Task)?.isElement) {
    owner = graph.parentOf(owner) as number;
  }
  if (!state.runsAfterFailure(owner)) return NO_FAILURES;
  const failures = new Map<number, TaskFailure>();
  graph.eachDependency(owner, (dependency) => {
    const failed = failureBehind(dependency, state);
    if (failed === undefined || failures.has(failed)) return;
    const error = state.errorOf(failed);
    if (error === undefined) return;
    const { taskId, code, message } = error;
    failures.set(failed, Object.freeze({ taskId, code, message }));
  });
  return Object.freeze([...failures.values()]);
}

/** The failed task that a dependency is, or needed. */
function failureBehind(dependency: number, state: RunState): number | undefined {
  if (!state.isFailure(dependency)) return undefined;
  const failedTaskId = state.failedTaskIdOf(dependency);
  return failedTaskId === undefined ? undefined : state.graph.indexOf(failedTaskId);
}
