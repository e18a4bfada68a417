import type { Inputs } from './inputs.js';
import type { Kernel } from './kernel.js';
import { withSchema } from './prompt.js';
import type { TaskRequest } from './runner.js';
import { jsonSchemaOf } from './schema.js';
import type { Task } from './task.js';
import type { RequestTool } from './tool.js';
import { misfitOf } from './validate-output.js';

/**
 * What a runner is asked.
 *
 * @throws {RunnerError} `invalid_input` when the prompt cannot be made.
 */
export function requestOf(
  kernel: Kernel,
  index: number,
  inputs: Inputs,
  tools: readonly RequestTool[],
): TaskRequest {
  const task = kernel.graph.tasks[index] as Task;
  const { id, description = '', type = 'action', metadata = {}, outputSchema } = task;
  const plainPrompt = kernel.promptOf(index, inputs);
  const jsonSchema = outputSchema && jsonSchemaOf(outputSchema);
  return {
    taskId: id,
    type,
    prompt: withSchema(plainPrompt, jsonSchema),
    plainPrompt,
    description,
    inputs,
    metadata,
    ...(jsonSchema && { outputSchema: jsonSchema }),
    ...(outputSchema && { check: (answer) => misfitOf(outputSchema, answer) }),
    ...(tools.length > 0 && { tools }),
  };
}
