import type { TaskError } from '../contract/errors.js';
import type { RunState } from '../state/run-state.js';
import type { FailureGroup } from './types.js';

/** The message of a failure without the name of its task, which it begins with. */
export function shortMessage({ message, taskId }: TaskError): string {
  const prefix = `Task "${taskId}" failed: `;
  return message.startsWith(prefix) ? message.slice(prefix.length) : message;
}

interface Group {
  readonly error: TaskError;
  readonly message: string;
  readonly taskIds: string[];
  tolerated: number;
  skipped: number;
  attempts: number;
}

/** Failed tasks by cause, most frequent first; messages that differ in numbers alone are one cause. */
export function failuresOf(state: RunState): FailureGroup[] {
  const groups = new Map<string, Group>();
  const groupOf = new Map<string, Group>();
  const { graph } = state;
  for (let index = 0; index < graph.size; index++) {
    const error = state.errorOf(index);
    // A group fails because its tasks have, and they are listed.
    if (error === undefined || (graph.childCount(index) > 0 && error.code === 'subtasks_failed')) {
      continue;
    }
    const message = shortMessage(error);
    const key = `${error.code} ${error.status ?? ''} ${causeOf(message)}`;
    let group = groups.get(key);
    if (group === undefined) {
      group = { error, message, taskIds: [], tolerated: 0, skipped: 0, attempts: 0 };
      groups.set(key, group);
    }
    const { id } = graph.taskOf(index);
    group.taskIds.push(id);
    group.attempts = Math.max(group.attempts, state.attemptsOf(index));
    if (isTolerated(index, state)) group.tolerated++;
    groupOf.set(id, group);
  }
  for (let index = 0; index < graph.size; index++) {
    if (state.statusOf(index) !== 'skipped') continue;
    const group = groupOf.get(state.failedTaskIdOf(index) ?? '');
    if (group !== undefined) group.skipped++;
  }
  return Array.from(groups.values(), ({ error, ...group }) => ({
    code: error.code,
    ...(error.status !== undefined && { status: error.status }),
    ...group,
  })).sort((a, b) => b.taskIds.length - a.taskIds.length);
}

/** Whether the plan did not fail because of this task: also not by way of the fan-out that it is an item of. */
function isTolerated(index: number, state: RunState): boolean {
  if (state.failures.has(index)) return false;
  const parent = state.graph.parentOf(index);
  return parent === undefined || state.statusOf(parent) !== 'failed' || isTolerated(parent, state);
}

/** A message without what differs from request to request: numbers and ids. */
function causeOf(message: string): string {
  return message.replaceAll(/[\w-]*\d[\w-]*/g, '#');
}
