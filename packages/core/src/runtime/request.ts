import type { TaskRequest } from '../contract/runner.js';
import { jsonSchemaOf } from '../contract/schema.js';
import type { Task } from '../contract/task.js';
import type { RequestTool } from '../contract/tool.js';
import { misfitOf } from '../contract/validate-output.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Inputs } from '../state/inputs.js';
import { withSchema } from '../state/prompt.js';

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
