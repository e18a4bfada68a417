import type { RequestAttachment } from '../contract/attachment.js';
import { hasOptions, optionsOf } from '../contract/call-options.js';
import type { RequestWork } from '../contract/carrier.js';
import type { ValueCodec } from '../contract/codec.js';
import { PLAN_INPUTS } from '../contract/plan-inputs.js';
import type { TaskRequest } from '../contract/runner.js';
import { answerJsonSchemaOf } from '../contract/schema.js';
import type { Task } from '../contract/task.js';
import { misfitOf } from '../contract/validate-output.js';
import type { Kernel } from '../kernel/kernel.js';
import { toData } from '../serialize/value.js';
import { hasPlanInputsAt, type Inputs, inputsOf } from '../state/inputs.js';
import { promptOf, withSchema } from '../state/prompt.js';

/**
 * The request that a runner gets for a task, without tools.
 *
 * @throws {RunnerError} `invalid_input` when the prompt cannot be made.
 */
export function requestOf(
  { graph, state, fanOut }: Kernel,
  index: number,
  attachments?: readonly RequestAttachment[],
): TaskRequest {
  const task = graph.tasks[index] as Task;
  const given = inputsOf(index, state, fanOut);
  const { id, description = '', type = 'action', metadata = {}, outputSchema } = task;
  const plainPrompt = promptOf(index, state, fanOut, given);
  const hasPlanInputs = !state.hasPlainInputs && hasPlanInputsAt(index, state);
  const inputs = hasPlanInputs ? withoutPlanInputs(given) : given;
  const options = hasOptions(task) ? optionsOf(task) : undefined;
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
