import { RunnerError } from '../contract/errors.js';
import { PLAN_INPUTS } from '../contract/plan-inputs.js';
import { NO_FAILURES, type TaskFailure } from '../contract/run-after.js';
import { asksForText } from '../contract/schema.js';
import type { Task } from '../contract/task.js';
import { parseTemplate, type TemplatePart, type TemplateReference } from '../contract/template.js';
import { TaskKind } from '../graph/task-kind.js';
import { isLate } from '../util/promise.js';
import type { FanOut } from './fan-out.js';
import { referredTo } from './fill.js';
import { type InputNames, type Inputs, inputNamesOf } from './inputs.js';
import type { RunState } from './run-state.js';
import { failuresBefore } from './task-failures.js';
import { valueText } from './value-text.js';

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
    const { names, special } = inputNamesOf(index, state, fanOut);
    const text = composePrompt(task.description ?? '', inputs, names, special);
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
  special: InputNames['special'] = new Map(),
): string {
  if (!description.includes('{{')) return appendInputs(description, inputs, names, special);
  // Built only for descriptions that have references.
  let known: ReadonlySet<string> | undefined;
  const parts = parseTemplate(description, (id) => {
    known ??= new Set(names);
    return known.has(id);
  });
  const text = parts.map((part) => (typeof part === 'string' ? part : fill(part, inputs))).join('');
  const isOfTask = (part: TemplatePart) =>
    typeof part !== 'string' && (part.id !== PLAN_INPUTS || !special.has(PLAN_INPUTS));
  return parts.some(isOfTask) ? text : appendInputs(text, inputs, names, special);
}

/** Appends the JSON Schema that the answer must match. */
export function withSchema(prompt: string, schema: Readonly<Record<string, unknown>>): string {
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

function appendInputs(
  text: string,
  inputs: Inputs,
  names: readonly string[],
  special: InputNames['special'],
): string {
  const parts = [text];
  for (const name of names) {
    const element = special.get(name);
    if (!Object.hasOwn(inputs, name) || (element === undefined && special.has(name))) continue;
    // Bytes are for attachments and functions.
    if (inputs[name] instanceof Uint8Array) continue;
    const input = inputs[name];
    const text = typeof input === 'string' ? input : asText(input, name);
    const value = text.replace(ELEMENT, '&lt;');
    parts.push(
      element === undefined
        ? `<output task="${escapeAttribute(name)}">\n${value}\n</output>`
        : `<${element}>\n${value}\n</${element}>`,
    );
  }
  return parts.join('\n\n');
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

function escapeAttribute(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}

function invalid(message: string): RunnerError {
  return new RunnerError('invalid_input', message);
}
