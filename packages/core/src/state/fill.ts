import { RunnerError } from '../contract/errors.js';
import { missingValue, readPath } from '../contract/reference.js';
import { parseTemplate, type TemplateReference } from '../contract/template.js';
import { isPlain } from '../contract/value.js';
import { valueText } from './value-text.js';

type Inputs = Readonly<Record<string, unknown>>;

/**
 * Fills in the references of all texts in a value. A text that is one reference becomes the value itself; a
 * field whose reference is to a branch that was not chosen is left out.
 *
 * @param isInput Whether references may name this id.
 * @throws {RunnerError} `invalid_input` when an input lacks something that is referred to.
 */
export function fillValue(
  value: unknown,
  inputs: Inputs,
  isInput: (id: string) => boolean,
): unknown {
  if (typeof value === 'string') {
    const [part, ...others] = parseTemplate(value, isInput);
    const isReference = typeof part === 'object' && others.length === 0;
    return isReference ? referredTo(part, inputs) : fillText(value, inputs, isInput);
  }
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    return value.map((item) => fillValue(item, inputs, isInput) ?? null);
  }
  if (!isPlain(value)) return value;
  const fields = Object.entries(value)
    .map(([name, field]) => [name, fillValue(field, inputs, isInput)] as const)
    .filter(([, field]) => field !== undefined);
  return Object.fromEntries(fields);
}

/**
 * Fills in the references of a text: strings as they are, other values as JSON on one line.
 *
 * @throws {RunnerError} as {@link fillValue}.
 */
export function fillText(text: string, inputs: Inputs, isInput: (id: string) => boolean): string {
  return parseTemplate(text, isInput)
    .map((part) => (typeof part === 'string' ? part : textOf(part, inputs)))
    .join('');
}

/**
 * The value that a reference stands for; undefined for a branch that was not chosen.
 *
 * @throws {RunnerError} `invalid_input`
 */
export function referredTo({ source, id, path }: TemplateReference, inputs: Inputs): unknown {
  if (id === undefined) {
    throw new RunnerError('invalid_input', `{{${source}}} does not refer to any of its inputs`);
  }
  if (!Object.hasOwn(inputs, id)) return undefined;
  const value = readPath(inputs[id], path);
  if (value === undefined && path.length > 0) {
    throw missingValue(`{{${source}}}`, id, inputs[id], path);
  }
  return value;
}

function textOf(part: TemplateReference, inputs: Inputs): string {
  const value = referredTo(part, inputs);
  if (value === undefined) return '';
  try {
    return valueText(value) ?? String(value);
  } catch (cause) {
    const message = `the value of {{${part.source}}} cannot be written as JSON`;
    throw new RunnerError('invalid_input', message, { cause });
  }
}
