import type { RequestAttachment } from '../contract/attachment.js';
import { hasOptions, optionsOf } from '../contract/call-options.js';
import { RunnerError } from '../contract/errors.js';
import { PLAN_INPUTS } from '../contract/plan-inputs.js';
import { NO_FAILURES, type TaskFailure } from '../contract/run-after.js';
import type { TaskRequest } from '../contract/runner.js';
import { answerJsonSchemaOf, asksForText } from '../contract/schema.js';
import type { Task } from '../contract/task.js';
import { parseTemplate, type TemplatePart, type TemplateReference } from '../contract/template.js';
import { misfitOf } from '../contract/validate-output.js';
import { TaskKind } from '../graph/task-kind.js';
import { isLate } from '../util/promise.js';
import type { FanOut } from './fan-out.js';
import { referredTo } from './fill.js';
import { hasPlanInputsAt, type InputNames, type Inputs, inputNamesOf, inputsOf } from './inputs.js';
import type { RunState } from './run-state.js';
import { failuresBefore } from './task-failures.js';
import { valueText } from './value-text.js';

const NO_NAMES: readonly string[] = [];
const NONE_SPECIAL: InputNames['special'] = new Map();

/**
 * The prompt of a task, given its inputs.
 *
 * @throws {RunnerError} `invalid_input` when an input lacks something that the prompt refers to.
 */
export function promptOf(index: number, state: RunState, fanOut: FanOut, inputs: Inputs): string {
  const { graph } = state;
  const task = graph.tasks[index] as Task;
  const mayFollowFailures = graph.hasKind(TaskKind.afterAny);
  const failures = mayFollowFailures ? failuresBefore(index, state, fanOut) : NO_FAILURES;
  if (task.prompt === undefined) {
    // Names without an input were not chosen.
    const given = state.hasPlainInputs ? undefined : inputNamesOf(index, state, fanOut);
    const names = given === undefined ? (task.dependencies ?? NO_NAMES) : given.names;
    const text = composePrompt(task.description ?? '', inputs, names, given?.special);
    return failures.length === 0 ? text : [text, ...failures.map(failureText)].join('\n\n');
  }
  const prompt: unknown = task.prompt(inputs, failures);
  if (typeof prompt === 'string') return prompt;
  const kind = isLate(prompt) ? 'a promise' : typeof prompt;
  throw invalid(`its prompt function must return a string; it returned ${kind}`);
}

/**
 * Fills in the references of a description: `{{research}}`, `{{research.companies[0].name}}`. Without
 * references to tasks, appends the output of each dependency in an element that names its task, and that no output
 * can close. Strings are inserted unchanged, other values as JSON.
 *
 * @param names The ids in the desired order; an object would reorder ids like "7".
 * @param special See {@link InputNames}.
 */
export function composePrompt(
  description: string,
  inputs: Inputs,
  names: readonly string[] = Object.keys(inputs),
  special: InputNames['special'] = NONE_SPECIAL,
): string {
  let text = description;
  if (description.includes('{{')) {
    const known: ReadonlySet<string> = new Set(names);
    const parts = parseTemplate(description, (id) => known.has(id));
    text = parts.map((part) => (typeof part === 'string' ? part : fill(part, inputs))).join('');
    const isOfTask = (part: TemplatePart) =>
      typeof part !== 'string' && (part.id !== PLAN_INPUTS || !special.has(PLAN_INPUTS));
    if (parts.some(isOfTask)) return text;
  }
  for (const name of names) {
    const element = special.get(name);
    if (!Object.hasOwn(inputs, name) || (element === undefined && special.has(name))) continue;
    const input = inputs[name];
    // Bytes are for attachments and functions.
    if (input instanceof Uint8Array) continue;
    const shown = typeof input === 'string' ? input : asText(input, name);
    const value = shown.replace(ELEMENT, '&lt;');
    const isPlain = !UNSAFE.test(name);
    const opening = element ?? `output task="${isPlain ? name : escapeAttribute(name)}"`;
    text += `\n\n<${opening}>\n${value}\n</${element ?? 'output'}>`;
  }
  return text;
}

/**
 * The request that a runner gets for a task, without tools.
 *
 * @throws {RunnerError} `invalid_input` when the prompt cannot be made.
 */
export function requestOf(
  state: RunState,
  fanOut: FanOut,
  index: number,
  attachments?: readonly RequestAttachment[],
): TaskRequest {
  const task = state.graph.tasks[index] as Task;
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

/** Appends the JSON Schema that the answer must match. */
function withSchema(prompt: string, schema: Readonly<Record<string, unknown>>): string {
  if (asksForText(schema)) return prompt;
  const { $schema: _, ...shown } = schema;
  const wanted = 'Answer with JSON alone, nothing before or after it, that fits this JSON Schema:';
  return `${prompt}\n\n${wanted}\n${JSON.stringify(shown)}`;
}

/** The beginning of a tag that would end the element of an output, or forge another one. */
const ELEMENT = /<(?=\s*\/?\s*(?:output|item|previous|failure)\b)/gi;

/** Names a failed task, also where a description refers to its output, which is empty. */
function failureText({ taskId, code, message }: TaskFailure): string {
  const shown = message.replace(ELEMENT, '&lt;');
  return `<failure task="${escapeAttribute(taskId)}" code="${code}">\n${shown}\n</failure>`;
}

function fill(reference: TemplateReference, inputs: Inputs): string {
  const { id, source } = reference;
  const value = referredTo(reference, inputs);
  // Its branch was not chosen.
  return id === undefined || !Object.hasOwn(inputs, id) ? '' : asText(value, source);
}

function asText(value: unknown, name: string): string {
  try {
    return valueText(value, 2) ?? String(value);
  } catch (cause) {
    const message = `the output of its dependency "${name}" cannot be written as JSON for the prompt`;
    throw new RunnerError('invalid_input', message, { cause });
  }
}

/** What an attribute cannot have as it is. */
const UNSAFE = /[&"<]/;

function escapeAttribute(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}

function invalid(message: string): RunnerError {
  return new RunnerError('invalid_input', message);
}
