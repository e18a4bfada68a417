import type { Task } from '@stratagem/core';

/** The tasks and all their subtasks; each task precedes its subtasks. */
export function flattenTasks(tasks: readonly Task[]): Task[] {
  return tasks.flatMap((task) => [task, ...flattenTasks(task.subtasks ?? [])]);
}
