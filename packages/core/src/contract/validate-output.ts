import { parseJsonAnswer } from '../util/parse-json.js';
import { describe, RunnerError } from './errors.js';
import { type AnySchema, formatIssues } from './schema.js';
import { validateWith } from './validate-with.js';

/**
 * Validates an output and returns the value of its schema.
 *
 * @throws {RunnerError} `invalid_output` with the messages of the schema.
 */
export async function validateOutput(schema: AnySchema, output: unknown): Promise<unknown> {
  const result = await validateWith(schema, output);
  if (result.issues === undefined) return result.value;
  throw new RunnerError(
    'invalid_output',
    `its output does not match its outputSchema: ${formatIssues(result.issues)}`,
  );
}

/**
 * Validates the answer of a model. A text that does not match may contain JSON that does, alone or in
 * a fenced block.
 */
export async function validateAnswer(schema: AnySchema, answer: unknown): Promise<unknown> {
  if (typeof answer !== 'string') return validateOutput(schema, answer);
  const asText = await validateWith(schema, answer);
  if (asText.issues === undefined) return asText.value;
  const parsed = parseJsonAnswer(answer);
  return validateOutput(schema, parsed === undefined ? answer : parsed.value);
}

/** The message of {@link validateAnswer} for an invalid answer; undefined for a valid one. */
export async function misfitOf(schema: AnySchema, answer: unknown): Promise<string | undefined> {
  try {
    await validateAnswer(schema, answer);
    return undefined;
  } catch (thrown) {
    return describe(thrown);
  }
}
