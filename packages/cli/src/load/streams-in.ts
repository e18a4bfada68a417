import type { Task } from '@stratagem/core';
import { writtenTasksOf } from '@stratagem/core/kernel';

/** The names of the files whose rows are items of fan-outs. */
export function streamsIn(tasks: readonly Task[]): string[] {
  const names = tasks.flatMap((task) => {
    const { forEach } = task;
    const name = typeof forEach === 'object' ? forEach.stream?.name : undefined;
    return [...(name === undefined ? [] : [name]), ...streamsIn(writtenTasksOf(task).tasks)];
  });
  return [...new Set(names)];
}
