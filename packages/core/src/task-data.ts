import { jsonSchemaOf } from './schema.js';
import type { Task } from './task.js';

/**
 * A copy of a list of tasks that can be written as JSON: schemas as JSON Schema, since those of a
 * library may hold anything, themselves included. Functions are left out by JSON itself.
 */
export function asData(tasks: readonly Task[]): Task[] {
  return Object.defineProperty(tasks.slice(), 'toJSON', { value: () => tasks.map(dataOf) });
}

function dataOf(task: Task): object {
  const { outputSchema, subtasks } = task;
  if (outputSchema === undefined && subtasks === undefined) return task;
  return {
    ...task,
    ...(outputSchema !== undefined && { outputSchema: jsonSchemaOf(outputSchema) }),
    ...(subtasks !== undefined && { subtasks: subtasks.map(dataOf) }),
  };
}
