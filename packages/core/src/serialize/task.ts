import { inputsAsData } from '../contract/plan-inputs.js';
import { jsonSchemaOf } from '../contract/schema.js';
import type { Task } from '../contract/task.js';
import type { Tool } from '../contract/tool.js';

/**
 * A copy of a list of tasks that `JSON.stringify` can write: schemas become JSON Schema, because those
 * of a library may contain cycles, and tools become names. JSON itself leaves out functions.
 */
export function asData(tasks: readonly Task[]): Task[] {
  return writeAsData(tasks.slice());
}

/** The same for a list of one's own, which is not copied once more. */
export function writeAsData(tasks: Task[]): Task[] {
  return Object.defineProperty(tasks, 'toJSON', { value: () => tasks.map(dataOf) });
}

function dataOf(task: Task): object {
  const { outputSchema, subtasks, tools, tool, plan } = task;
  if ((outputSchema ?? subtasks ?? tools ?? tool ?? plan) === undefined) return task;
  return {
    ...task,
    ...(outputSchema !== undefined && { outputSchema: jsonSchemaOf(outputSchema) }),
    ...(tools !== undefined && { tools: tools.map(nameOf) }),
    ...(tool !== undefined && { tool: nameOf(tool) }),
    ...(subtasks !== undefined && { subtasks: subtasks.map(dataOf) }),
    ...(plan !== undefined && {
      plan: {
        ...plan,
        ...(plan.inputs !== undefined && { inputs: inputsAsData(plan.inputs) }),
        tasks: plan.tasks.map(dataOf),
      },
    }),
  };
}

function nameOf(tool: Tool | string): string {
  return typeof tool === 'string' ? tool : tool.name;
}
