import { inputRecordOf } from '../contract/plan-inputs.js';
import { isStandardSchema, type StandardSchema, schemaProblem } from '../contract/schema.js';
import { isRecord } from '../util/record.js';
import { add, type PlanPath, type Problems } from './checks.js';

/** Names that a reference such as `{{inputs.company}}` can spell. */
const NAME = /^[^.[\]{}"\s]+$/;

/** Whether a schema is one of an object, which every plan needs for its inputs. */
export function isOfObjects(schema: StandardSchema): boolean {
  return inputRecordOf(schema) !== undefined;
}

/** Checks the schema of the inputs of a plan. */
export function checkPlanInputs(problems: Problems, inputs: unknown): void {
  const path: PlanPath = ['inputs'];
  if (!isStandardSchema(inputs)) {
    const message =
      'must be a schema of an object, such as z.object({ company: z.string() }); parsePlanDocument() makes one from a plan file';
    add(problems, 'invalid_value', path, message);
    return;
  }
  const problem = schemaProblem(inputs, 'input');
  if (problem !== undefined) add(problems, 'invalid_value', path, problem);
  else if (!isOfObjects(inputs)) {
    add(
      problems,
      'invalid_value',
      path,
      'must be a schema of an object, with a field for each input',
    );
  } else checkInputNames(problems, inputRecordOf(inputs) ?? {});
}

/** Reports inputs that no reference can name, and settings that do not fit each other. */
export function checkInputNames(
  problems: Problems,
  inputs: Readonly<Record<string, unknown>>,
): void {
  for (const [name, input] of Object.entries(inputs)) {
    const path = ['inputs', name];
    if (!NAME.test(name)) {
      const message = 'the name of an input has no spaces, dots, quotes, brackets or braces';
      add(problems, 'invalid_value', path, message);
    }
    if (!isRecord(input)) continue;
    const { env, secret } = input;
    if (env !== undefined && (typeof env !== 'string' || !/^[A-Za-z_]\w*$/.test(env))) {
      const message = 'must be the name of an environment variable, like API_TOKEN';
      add(problems, 'invalid_value', [...path, 'env'], message);
    }
    if (secret !== undefined && typeof secret !== 'boolean') {
      add(problems, 'invalid_value', [...path, 'secret'], 'must be true or false');
    } else if (secret === true && 'default' in input) {
      const message = 'is written in the plan, so it cannot be a secret; remove it and set env';
      add(problems, 'conflict', [...path, 'default'], message);
    }
  }
}
