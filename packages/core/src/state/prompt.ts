import { RunnerError } from '../contract/errors.js';
import { type Path, readPath } from '../contract/reference.js';
import { asksForText } from '../contract/schema.js';
import type { Task } from '../contract/task.js';
import { parseTemplate, type TemplateReference } from '../contract/template.js';
import { isLate } from '../util/promise.js';

type Inputs = Readonly<Record<string, unknown>>;

/**
 * The prompt of a task.
 *
 * @param names What it may refer to, in order; what is not among the inputs was not chosen.
 * @param inFanOut Whether `item` and `index` are the element of a fan-out and its position.
 * @throws {RunnerError} `invalid_input` when an input does not have what the prompt asks for.
 */
export function promptOf(
  task: Task,
  inputs: Inputs,
  names: readonly string[],
  inFanOut: boolean,
): string {
  if (task.prompt === undefined) {
    return composePrompt(task.description ?? '', inputs, names, inFanOut);
  }
  const prompt: unknown = task.prompt(inputs);
  if (typeof prompt === 'string') return prompt;
  const kind = isLate(prompt) ? 'a promise' : typeof prompt;
  throw invalid(`its prompt function must return a text; it returned ${kind}`);
}

/**
 * A description with its references filled in: `{{research}}`, `{{research.companies[0].name}}`.
 * Without any, the output of each dependency follows in an element that names its task. Text
 * stands as it is; anything else as JSON.
 *
 * @param names The ids in the order wanted; an object does not keep that of ids like "7".
 */
export function composePrompt(
  description: string,
  inputs: Inputs,
  names: readonly string[] = Object.keys(inputs),
  inFanOut = false,
): string {
  const parts = parseTemplate(description, (id) => names.includes(id));
  if (parts.every((part) => typeof part === 'string')) {
    return appendInputs(parts.join(''), inputs, names, inFanOut);
  }
  return parts.map((part) => (typeof part === 'string' ? part : fill(part, inputs))).join('');
}

/** Says what the answer must look like. */
export function withSchema(
  prompt: string,
  schema: Readonly<Record<string, unknown>> | undefined,
): string {
  if (schema === undefined || asksForText(schema)) return prompt;
  const { $schema: _, ...shown } = schema;
  const wanted = 'Answer with JSON alone, nothing before or after it, that fits this JSON Schema:';
  return `${prompt}\n\n${wanted}\n${JSON.stringify(shown)}`;
}

function appendInputs(
  text: string,
  inputs: Inputs,
  names: readonly string[],
  inFanOut: boolean,
): string {
  const parts = [text];
  for (const name of names) {
    // The position of an element is there for prompts that ask for it.
    if (!Object.hasOwn(inputs, name) || (inFanOut && name === 'index')) continue;
    const value = asText(inputs[name], name);
    parts.push(
      inFanOut && name === 'item'
        ? `<item>\n${value}\n</item>`
        : `<output task="${escapeAttribute(name)}">\n${value}\n</output>`,
    );
  }
  return parts.join('\n\n');
}

function fill({ source, id, path }: TemplateReference, inputs: Inputs): string {
  if (id === undefined) throw invalid(`{{${source}}} refers to nothing that it is given`);
  if (!Object.hasOwn(inputs, id)) return ''; // Its branch was not chosen.
  const value = readPath(inputs[id], path);
  if (value === undefined && path.length > 0) {
    throw invalid(`there is nothing at {{${source}}}; ${id} has ${fieldsOf(inputs[id], path)}`);
  }
  return asText(value, source);
}

/** What there is where a path leads to nothing, for the message. */
function fieldsOf(value: unknown, path: Path): string {
  let current = value;
  for (const step of path) {
    const next = readPath(current, [step]);
    if (next === undefined) break;
    current = next;
  }
  if (Array.isArray(current)) return `a list of ${current.length} there`;
  if (typeof current !== 'object' || current === null) return `a ${typeof current} there`;
  return `the fields ${Object.keys(current).slice(0, 12).join(', ') || 'none'} there`;
}

function asText(value: unknown, name: string): string {
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value, undefined, 2) ?? String(value);
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
