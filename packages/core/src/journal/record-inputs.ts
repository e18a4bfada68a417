import type { ValueCodec } from '../contract/codec.js';
import type { Json } from '../contract/journal.js';
import type { PlanProblem } from '../contract/plan-error.js';
import {
  fromEnvironment,
  InputsError,
  type InputValues,
  inputRecordOf,
  type PlanInput,
  type TakenInputs,
  takeInputs,
} from '../contract/plan-inputs.js';
import type { StandardSchema } from '../contract/schema.js';
import { keep } from '../contract/value.js';
import { canonical } from '../serialize/canonical.js';
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

/** What is known about a recorded run whose inputs are taken again. */
interface RecordedContext {
  readonly recorded: InputValues | undefined;
  /** Whether its plan has changed, so that the recorded values have to fit another schema. */
  readonly hasChanged: boolean;
  readonly codecs: readonly ValueCodec[] | undefined;
}

/**
 * The inputs of a resumed run: the recorded values, and the secrets, which no record has. A recorded value
 * is the one that the schema made of a given value, so the schema may refuse it.
 *
 * @param given Secrets, values that the record lacks because the plan has changed, and the others again.
 * @throws {InputsError} for missing secrets, and for values that differ from the recorded ones.
 */
export function takeInputsAgain(
  schema: StandardSchema | undefined,
  given: InputValues = {},
  { recorded = {}, hasChanged, codecs }: RecordedContext,
): TakenInputs {
  const declared = new Map(Object.entries((schema && inputRecordOf(schema)) ?? {}));
  // A changed plan may have an input no more.
  const known = new Map(Object.entries(recorded).filter(([name]) => declared.has(name)));
  const isNews = ([name, value]: readonly [string, unknown]) =>
    value !== undefined && !(known.has(name) && isSame(value, known.get(name), codecs));
  const again = new Map(Object.entries(given).filter(isNews));
  const isOnlyRecorded = (name: unknown) => known.has(String(name)) && !again.has(String(name));
  let taken: TakenInputs;
  try {
    taken = takeInputs(schema, Object.fromEntries([...known, ...again]));
  } catch (error) {
    if (!(error instanceof InputsError)) throw error;
    const others = error.problems.filter(({ path }) => !isOnlyRecorded(path[0]));
    if (others.length > 0 && !hasChanged) throw new InputsError(others);
    const isNew = ([name, input]: readonly [string, PlanInput]) => {
      if (known.has(name)) return false;
      return again.has(name) || 'default' in input || fromEnvironment(input) !== undefined;
    };
    if (hasChanged || [...declared].some(isNew)) throw withRemedy(error, isOnlyRecorded);
    taken = { inputs: undefined, secrets: undefined };
  }
  const problems: PlanProblem[] = [];
  for (const [name, value] of known) {
    if (!again.has(name) || isSame(taken.inputs?.[name], value, codecs)) continue;
    const message = 'a recorded run keeps its inputs; start a new run for other values';
    problems.push({ code: 'conflict', path: [name], message });
  }
  if (problems.length > 0) throw new InputsError(problems);
  if (schema === undefined) return taken;
  const kept = [...known].filter(([name]) => !declared.get(name)?.secret);
  const inputs = Object.assign(Object.create(null), taken.inputs);
  for (const [name, value] of kept) inputs[name] = keep(value);
  return { ...taken, inputs: Object.freeze(inputs) };
}

/** The names of the inputs that have another value now, or none. */
export function changedInputs(
  before: InputValues,
  after: InputValues = {},
  codecs: readonly ValueCodec[] | undefined,
): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => !isSame(before[name], after[name], codecs));
}

function withRemedy(error: InputsError, isOnlyRecorded: (name: unknown) => boolean): InputsError {
  const problems = error.problems.map((problem) => {
    if (!isOnlyRecorded(problem.path[0])) return problem;
    const remedy = 'the recorded value does not fit the schema; give the original value again';
    return { ...problem, message: `${problem.message}; ${remedy}` };
  });
  return new InputsError(problems);
}

function isSame(a: unknown, b: unknown, codecs: readonly ValueCodec[] | undefined): boolean {
  try {
    return canonical(toData(a, codecs) as Json) === canonical(toData(b, codecs) as Json);
  } catch (error) {
    if (error instanceof UnstorableError) return false;
    throw error;
  }
}
