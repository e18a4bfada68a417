import { RunnerError } from '../contract/errors.js';
import { formatProblem } from '../contract/plan-error.js';
import {
  InputsError,
  type InputValues,
  inputRecordOf,
  takeModuleInputs,
} from '../contract/plan-inputs.js';
import type { SecretTexts } from '../contract/secret-texts.js';
import type { Task } from '../contract/task.js';
import { fillValue } from './fill.js';

type Inputs = Readonly<Record<string, unknown>>;

/**
 * The values of the inputs of a module, from the inputs of its task.
 *
 * @param names The names that references may have, also of inputs that are not there.
 * @throws {RunnerError} `invalid_input` for values that are missing or wrong.
 */
export function moduleInputs(
  task: Task,
  inputs: Inputs,
  names: readonly string[],
  secretTexts: SecretTexts | undefined,
): InputValues | undefined {
  const { inputs: schema } = task.plan as NonNullable<Task['plan']>;
  if (schema === undefined) return undefined;
  try {
    const { inputs: open, secrets } = takeModuleInputs(schema, valuesOf(task, inputs, names));
    return Object.freeze({ ...((secretTexts?.value(open) ?? open) as InputValues), ...secrets });
  } catch (thrown) {
    if (!(thrown instanceof InputsError)) throw thrown;
    const problems = thrown.problems.map(formatProblem).join('; ');
    const message = `its "with" does not fit the inputs of its plan: ${problems}`;
    throw new RunnerError('invalid_input', message, { cause: thrown });
  }
}

/** The same where outputs are only assumed: values that cannot be known are left out, and none is checked. */
export function assumedModuleInputs(
  task: Task,
  inputs: Inputs,
  names: readonly string[],
): InputValues | undefined {
  const { inputs: schema } = task.plan as NonNullable<Task['plan']>;
  if (schema === undefined) return undefined;
  const declared = Object.entries(inputRecordOf(schema) ?? {});
  const defaults = declared.flatMap(([name, input]) =>
    'default' in input ? [[name, input.default] as const] : [],
  );
  let given: Inputs = {};
  try {
    given = valuesOf(task, inputs, names);
  } catch {
    // It needs an output that is not there.
  }
  return Object.freeze({ ...Object.fromEntries(defaults), ...given });
}

function valuesOf(task: Task, inputs: Inputs, names: readonly string[]): Inputs {
  const { with: given = {} } = task;
  const known = new Set(names);
  const values: unknown =
    typeof given === 'function'
      ? given(inputs)
      : fillValue(given, inputs, (name) => known.has(name));
  if (typeof values !== 'object' || values === null || Symbol.iterator in values) {
    throw new RunnerError('invalid_input', 'its "with" function must return the values by name');
  }
  return values as Inputs;
}
