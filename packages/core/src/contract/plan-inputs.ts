import { isRecord } from '../util/record.js';
import { didYouMean } from '../util/suggest.js';
import { OptionError, StratagemError } from './errors.js';
import { formatProblem, type PlanProblem } from './plan-error.js';
import { isStandardSchema, jsonSchemaOf, type StandardSchema } from './schema.js';
import { keep } from './value.js';

/** What prompts, conditions, fan-outs and functions call the inputs of the plan: `{{inputs.company}}`. */
export const PLAN_INPUTS = 'inputs';

/** The values of a run's inputs by name. */
export type InputValues = Readonly<Record<string, unknown>>;

/** An input as JSON Schema, with what JSON Schema has no keywords for. */
export interface PlanInput {
  readonly description?: string | undefined;
  /** The value where none is given. Without one, the input must be given. */
  readonly default?: unknown;
  /** Whether it may be left out, although it has no default. */
  readonly optional?: boolean | undefined;
  /** The environment variable that holds the value where none is given. */
  readonly env?: string | undefined;
  /** Whether the value is kept out of events, errors, outputs and journals. */
  readonly secret?: boolean | undefined;
  readonly [keyword: string]: unknown;
}

/** The inputs of a plan by name. */
export type PlanInputRecord = Readonly<Record<string, PlanInput>>;

/** The inputs that a plan declares; undefined when its schema cannot be written as JSON Schema. */
export function inputRecordOf(schema: StandardSchema): PlanInputRecord | undefined {
  const json = jsonSchemaOf(schema, 'input');
  if (json?.type !== 'object') return undefined;
  const { properties = {}, required = [], $defs, definitions } = json;
  const shared = {
    ...($defs !== undefined && { $defs }),
    ...(definitions !== undefined && { definitions }),
  };
  const inputs = Object.entries(properties as PlanInputRecord).map(([name, input]) => {
    const isRequired = (required as readonly string[]).includes(name);
    const isOptional = !isRequired && !('default' in input);
    return [name, { ...input, ...shared, ...(isOptional && { optional: true }) }];
  });
  return Object.fromEntries(inputs);
}

/** The names of secret inputs. */
export function secretsOf(schema: StandardSchema): string[] {
  const inputs = Object.entries(inputRecordOf(schema) ?? {});
  return inputs.filter(([, { secret }]) => secret).map(([name]) => name);
}

/** The inputs as the JSON Schema of one object. */
export function inputsJsonSchema(inputs: PlanInputRecord): Readonly<Record<string, unknown>> {
  const names = Object.keys(inputs);
  const isRequired = (name: string) => {
    const input = inputs[name] as PlanInput;
    return !input.optional && !('default' in input);
  };
  const properties = names.map((name) => {
    const { optional: _, ...input } = inputs[name] as PlanInput;
    return [name, input];
  });
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    required: names.filter(isRequired),
    additionalProperties: false,
  };
}

/**
 * A schema that is the record of inputs as JSON, and validates their values.
 *
 * @param validate Validates against `inputsJsonSchema(inputs)`.
 */
export function inputsSchema(
  inputs: PlanInputRecord,
  validate: StandardSchema['~standard']['validate'],
): StandardSchema {
  const json = inputsJsonSchema(inputs);
  const jsonSchema = { output: () => json, input: () => json };
  const standard = { version: 1, vendor: 'stratagem', validate, jsonSchema };
  return Object.defineProperty({ ...inputs }, '~standard', { value: standard }) as never;
}

/** The same schema as an object that `JSON.stringify` can write: those of libraries may have cycles. */
export function inputsAsData(schema: StandardSchema): StandardSchema {
  const standard = isStandardSchema(schema) ? schema['~standard'] : undefined;
  const inputs = standard && inputRecordOf(schema);
  return inputs === undefined ? schema : inputsSchema(inputs, standard?.validate as never);
}

/** Values that do not fit the inputs of a plan; `problems` lists all of them. */
export class InputsError extends StratagemError {
  readonly problems: readonly PlanProblem[];

  constructor(problems: readonly PlanProblem[]) {
    const lines = problems.map((problem) => `  - ${formatProblem(problem)}`);
    super('invalid_inputs', `The inputs do not fit the plan:\n${lines.join('\n')}`);
    this.problems = problems;
  }
}

/** The values of the inputs of one run. */
export interface TakenInputs {
  /** Those that may be recorded. */
  readonly inputs: InputValues | undefined;
  readonly secrets: InputValues | undefined;
}

/** Without a prototype, so that "__proto__" is a name like any other. */
const NO_INPUTS: InputValues = Object.freeze(Object.create(null));

/**
 * Validates the values for the inputs of a plan, and adds defaults and values of the environment.
 *
 * @param schema Undefined for a plan without inputs.
 * @throws {InputsError} with every value that is missing, unknown or wrong.
 * @throws {OptionError} when the schema validates asynchronously.
 */
export function takeInputs(
  schema: StandardSchema | undefined,
  given: InputValues = NO_INPUTS,
): TakenInputs {
  return take(schema, given, fromEnvironment);
}

/**
 * The same for a module, which gets no values of the environment.
 *
 * @throws as {@link takeInputs}
 */
export function takeModuleInputs(schema: StandardSchema, given: InputValues): TakenInputs {
  return take(schema, given, undefined);
}

function take(
  schema: StandardSchema | undefined,
  given: InputValues,
  environment: ((input: PlanInput) => unknown) | undefined,
): TakenInputs {
  const declared = schema === undefined ? {} : (inputRecordOf(schema) ?? {});
  const problems: PlanProblem[] = [];
  const values: Record<string, unknown> = Object.assign(Object.create(null), given);
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(declared, name)) continue;
    problems.push(unknownInput(name, Object.keys(declared)));
    // The schema would report it a second time.
    delete values[name];
  }
  for (const [name, input] of Object.entries(declared)) {
    if (values[name] === undefined) values[name] = environment?.(input);
    if (values[name] !== undefined) continue;
    delete values[name];
    if (!input.optional && !('default' in input))
      problems.push(missingInput(name, input, environment !== undefined));
  }
  if (schema === undefined && problems.length === 0)
    return { inputs: undefined, secrets: undefined };
  const result = schema?.['~standard'].validate(values) ?? { value: values };
  if (result instanceof Promise) {
    result.catch(() => {});
    throw new OptionError('the schema of the inputs of a plan must validate synchronously');
  }
  const reported = new Set(problems.map(({ path }) => path[0]));
  for (const { message, path = [] } of result.issues ?? []) {
    const steps = path.map((step) => (typeof step === 'object' ? step.key : step));
    if (reported.has(String(steps[0]))) continue;
    problems.push({ code: 'invalid_value', path: steps.map(asStep), message });
  }
  if (problems.length > 0 || result.issues !== undefined) throw new InputsError(problems);
  return split(result.value as InputValues, declared);
}

function split(values: InputValues, declared: PlanInputRecord): TakenInputs {
  const inputs = Object.create(null);
  const secrets = Object.create(null);
  for (const [name, value] of Object.entries(values)) {
    const target = declared[name]?.secret ? secrets : inputs;
    target[name] = keep(value);
  }
  const hasSecrets = Object.keys(secrets).length > 0;
  return {
    inputs: Object.freeze(inputs),
    secrets: hasSecrets ? Object.freeze(secrets) : undefined,
  };
}

/**
 * The value of the environment variable that an input comes from. Where the input is no text, it is
 * read as JSON: `5`, `true`, `["a"]`; what is no JSON stays a text, for the schema to report.
 */
export function fromEnvironment(input: PlanInput): unknown {
  const { env } = input;
  const text = env === undefined ? undefined : globalThis.process?.env?.[env];
  if (text === undefined || mayBeText(input, text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Whether the schema of an input says that the value is a text, or says nothing. */
function mayBeText({ type, ...input }: PlanInput, text: string): boolean {
  if (type !== undefined) return [type].flat().includes('string');
  if (Array.isArray(input.enum)) return input.enum.includes(text);
  return !['anyOf', 'oneOf', 'allOf', '$ref', 'const'].some((key) => key in input);
}

function unknownInput(name: string, known: readonly string[]): PlanProblem {
  const list =
    known.length === 0 ? ' The plan has no inputs.' : ` Its inputs are ${known.join(', ')}.`;
  const message = `the plan has no such input.${didYouMean(name, known) || list}`;
  return { code: 'unknown_field', path: [name], message };
}

function missingInput(
  name: string,
  { description, env }: PlanInput,
  readsEnvironment: boolean,
): PlanProblem {
  const meaning = description === undefined ? '' : `: ${description}`;
  const remedy =
    env === undefined || !readsEnvironment ? '' : `; set the environment variable ${env}`;
  return { code: 'missing_field', path: [name], message: `is missing${remedy}${meaning}` };
}

function asStep(step: PropertyKey): string | number {
  return typeof step === 'symbol' ? String(step) : step;
}

/** @throws {OptionError} unless the values are given by name. */
export function asValues(owner: string, values: unknown): InputValues | undefined {
  if (values === undefined) return undefined;
  // A map or a list has its values elsewhere.
  if (isRecord(values) && !(Symbol.iterator in values)) return values;
  throw new OptionError(`${owner}: inputs must be an object with a value for each input`);
}
