import { forEachOf, requiredSuccesses } from '../src/contract/for-each.js';
import type { Task } from '../src/contract/task.js';
import type { Account } from './account.js';
import { must } from './must.js';

/** Checks the output of a fan-out against what became of its elements. */
export function checkFanOut(account: Account, output: unknown): void {
  const { task, children, isStream } = account;
  must(!isStream || !account.mayHaveMore, 'a stream is read to its end', task.id);
  must(
    children.every((child) => child.isSettled),
    'a fan-out waits for all elements',
    task.id,
  );
  const results = output as { id: string; status: string; output?: unknown }[];
  const counted = children.filter((child) => !child.isNotChosen);
  must(results.length === counted.length, 'a fan-out tells of all its elements', task.id);
  for (const [position, child] of counted.entries()) {
    const told = results[position];
    must(told?.id === child.task.id, 'elements are told of in order', child.task.id);
    const ended = child.status === 'completed' ? 'completed' : 'failed';
    must(told.status === ended, 'elements are told of as they ended', child.task.id);
    must(told.output === child.output, 'elements are told of with outputs', child.task.id);
  }
  const completed = counted.filter((child) => child.status === 'completed').length;
  must(completed >= requiredOf(task, counted.length), 'enough elements succeeded', task.id);
}

function requiredOf(task: Task, count: number): number {
  const { minSuccess } = forEachOf(task.forEach as NonNullable<Task['forEach']>);
  return requiredSuccesses(minSuccess, count);
}
