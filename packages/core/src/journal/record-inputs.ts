import type { ValueCodec } from '../contract/codec.js';
import type { Json } from '../contract/journal.js';
import type { PlanProblem } from '../contract/plan-error.js';
import { InputsError, type InputValues } from '../contract/plan-inputs.js';
import { fromData, toData, UnstorableError } from '../serialize/value.js';

/** @throws {InputsError} when a journal cannot store the value of an input. */
export function requireStorableInputs(
  inputs: InputValues | undefined = {},
  codecs?: readonly ValueCodec[],
): void {
  const problems: PlanProblem[] = [];
  for (const [name, value] of Object.entries(inputs)) {
    try {
      toData(value, codecs);
    } catch (error) {
      if (!(error instanceof UnstorableError)) throw error;
      const message = `cannot be stored in a journal: ${error.message}`;
      problems.push({ code: 'invalid_value', path: [name], message });
    }
  }
  if (problems.length > 0) throw new InputsError(problems);
}

/** The values of a recorded run. */
export function recordedInputs(
  data: Json | undefined,
  codecs: readonly ValueCodec[] | undefined,
): InputValues | undefined {
  return data === undefined ? undefined : (fromData(data, codecs) as InputValues);
}
