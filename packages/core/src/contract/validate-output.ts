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
 * Validates the answer of a model. A text that does not match may contain JSON that does: alone, in a
 * fenced block, or inside prose.
 */
export async function validateAnswer(schema: AnySchema, answer: unknown): Promise<unknown> {
  if (typeof answer !== 'string') return validateOutput(schema, answer);
  const asText = await validateWith(schema, answer);
  if (asText.issues === undefined) return asText.value;
  // Loaded when it is needed, as it is the larger part.
  const { jsonInAnswer } = await import('../util/json-in-text.js');
  let last: unknown = answer;
  for (const value of jsonInAnswer(answer)) {
    const result = await validateWith(schema, value);
    if (result.issues === undefined) return result.value;
    if (last === answer) last = value;
  }
  return validateOutput(schema, last);
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
