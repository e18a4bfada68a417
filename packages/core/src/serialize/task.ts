import { jsonSchemaOf } from '../contract/schema.js';
import type { Task } from '../contract/task.js';
import type { Tool } from '../contract/tool.js';

/**
 * A copy of a list of tasks that can be written as JSON: schemas as JSON Schema, since those of a
 * library may hold anything, themselves included, and tools by their names. Functions are left out by JSON itself.
 */
export function asData(tasks: readonly Task[]): Task[] {
  return Object.defineProperty(tasks.slice(), 'toJSON', { value: () => tasks.map(dataOf) });
}

function dataOf(task: Task): object {
  const { outputSchema, subtasks, tools } = task;
  if (outputSchema === undefined && subtasks === undefined && tools === undefined) return task;
  return {
    ...task,
    ...(outputSchema !== undefined && { outputSchema: jsonSchemaOf(outputSchema) }),
    ...(tools !== undefined && { tools: tools.map(nameOf) }),
    ...(subtasks !== undefined && { subtasks: subtasks.map(dataOf) }),
  };
}

function nameOf(tool: Tool | string): string {
  return typeof tool === 'string' ? tool : tool.name;
}
