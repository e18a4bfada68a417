import { compileJsonSchema } from '../contract/compile-json-schema.js';
import type { PlanProblem } from '../contract/plan-error.js';
import { inputsJsonSchema, inputsSchema, type PlanInput } from '../contract/plan-inputs.js';
import { formatIssues, type StandardSchema } from '../contract/schema.js';
import { isRecord } from '../util/record.js';
import { add } from '../validate/checks.js';
import { checkInputNames } from '../validate/plan-inputs.js';

/** What an input says besides its JSON Schema. */
const OWN_FIELDS = ['optional', 'env', 'secret'];

/**
 * The schema of the inputs of a plan file, which stays the same JSON.
 *
 * @returns undefined when it has problems, which are reported.
 */
export function documentInputs(
  problems: PlanProblem[],
  value: unknown,
): StandardSchema | undefined {
  if (!isRecord(value)) {
    const message =
      'must name the inputs, each with a JSON Schema, like { company: { type: string } }';
    add(problems, 'invalid_value', ['inputs'], message);
    return undefined;
  }
  const before = problems.length;
  checkInputNames(problems, value);
  for (const [name, input] of Object.entries(value)) checkInput(problems, name, input);
  if (problems.length > before) return undefined;
  const inputs = value as Record<string, PlanInput>;
  const schemas = Object.entries(inputs).map(([name, input]) => [name, schemaOnly(input)]);
  const { properties: _, ...rest } = inputsJsonSchema(inputs);
  return inputsSchema(
    inputs,
    compileJsonSchema({ ...rest, properties: Object.fromEntries(schemas) }),
  );
}

function schemaOnly(input: PlanInput): Record<string, unknown> {
  return Object.fromEntries(Object.entries(input).filter(([field]) => !OWN_FIELDS.includes(field)));
}

function checkInput(problems: PlanProblem[], name: string, input: unknown): void {
  const path = ['inputs', name];
  if (!isRecord(input)) {
    add(problems, 'invalid_value', path, 'must be a JSON Schema, like { type: string }');
    return;
  }
  const { optional, secret, env } = input;
  if (optional !== undefined && typeof optional !== 'boolean') {
    add(problems, 'invalid_value', [...path, 'optional'], 'must be true or false');
  }
  if (secret === true && env === undefined) {
    const message = 'a secret comes from the environment: add env, the name of the variable';
    add(problems, 'missing_field', [...path, 'env'], message);
  }
  let validate: ReturnType<typeof compileJsonSchema>;
  try {
    validate = compileJsonSchema(schemaOnly(input));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    add(problems, 'invalid_value', path, `is not a supported JSON Schema: ${why}`);
    return;
  }
  if (!('default' in input)) return;
  const result = validate(input.default);
  if (result instanceof Promise || result.issues === undefined) return;
  const message = `does not fit the schema of the input: ${formatIssues(result.issues)}`;
  add(problems, 'invalid_value', [...path, 'default'], message);
}
