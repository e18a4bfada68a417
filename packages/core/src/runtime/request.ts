import type { RequestAttachment } from '../contract/attachment.js';
import { optionsOf } from '../contract/call-options.js';
import type { RequestWork } from '../contract/carrier.js';
import type { ValueCodec } from '../contract/codec.js';
import { PLAN_INPUTS } from '../contract/plan-inputs.js';
import type { TaskRequest } from '../contract/runner.js';
import { answerJsonSchemaOf } from '../contract/schema.js';
import type { Task } from '../contract/task.js';
import { misfitOf } from '../contract/validate-output.js';
import type { Kernel } from '../kernel/kernel.js';
import { toData } from '../serialize/value.js';
import { hasPlanInputsAt, type Inputs } from '../state/inputs.js';
import { withSchema } from '../state/prompt.js';

/**
 * The request that a runner gets for a task, without tools.
 *
 * @throws {RunnerError} `invalid_input` when the prompt cannot be made.
 */
export function requestOf(
  kernel: Kernel,
  index: number,
  given: Inputs,
  attachments?: readonly RequestAttachment[],
): TaskRequest {
  const task = kernel.graph.tasks[index] as Task;
  const { id, description = '', type = 'action', metadata = {}, outputSchema } = task;
  const plainPrompt = kernel.promptOf(index, given);
  const inputs = hasPlanInputsAt(index, kernel.state) ? withoutPlanInputs(given) : given;
  const options = optionsOf(task);
  const jsonSchema = outputSchema && answerJsonSchemaOf(outputSchema);
  return {
    taskId: id,
    type,
    prompt: jsonSchema === undefined ? plainPrompt : withSchema(plainPrompt, jsonSchema),
    plainPrompt,
    description,
    inputs,
    metadata,
    ...(jsonSchema && { outputSchema: jsonSchema }),
    ...(attachments && { attachments }),
    ...(options && { options }),
    ...(outputSchema && { check: (answer) => misfitOf(outputSchema, answer) }),
  };
}

/** Runners get the inputs of the plan in the prompt: those that it does not use are none of its content. */
function withoutPlanInputs(given: Inputs): Inputs {
  const { [PLAN_INPUTS]: _, ...inputs } = given;
  return Object.assign(Object.create(null), inputs);
}

/** A request as data, for a carrier. */
export function requestWorkOf(
  request: TaskRequest,
  { tools = [] }: Task,
  codecs: readonly ValueCodec[],
): RequestWork {
  const { check: _, tools: __, ...content } = request;
  const names = tools.map((tool) => (typeof tool === 'string' ? tool : tool.name));
  return { kind: 'request', request: toData(content, codecs), tools: names };
}
