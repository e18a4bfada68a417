import {
  type InputValues,
  OptionError,
  type Plan,
  type PlanInput,
  type PlanInputRecord,
  type StandardSchema,
  type Task,
} from '@stratagem/core';
import { inputRecordOf } from '@stratagem/core/kernel';
import { didYouMean } from '@stratagem/core/runner';
import { fromText } from './from-text.js';

/** The id of the fan-out over the rows: the tasks of the third row are `row[2]/…`. */
const FAN_OUT = 'row';

/** Which column gives the value of which input: by the name of the input. */
export type ColumnBinding = Readonly<Record<string, string>>;

export interface BindingOptions<Row> {
  readonly bind?: ColumnBinding | ((row: Row) => InputValues) | undefined;
  /** Values that are the same for all rows. */
  readonly inputs?: InputValues | undefined;
  /** Whether the values of rows are texts, as in CSV, also for inputs of other types. */
  readonly isText?: boolean | undefined;
}

/** How rows become the inputs of a plan. */
export interface RowBinding<Row> {
  /** The inputs that come from the rows. */
  readonly names: readonly string[];
  /** The values for one row. */
  itemOf(row: Row): Record<string, unknown>;
}

/**
 * Binds the inputs of a plan to the columns of its rows.
 *
 * @param first The first row, or any object with the same columns.
 * @throws {OptionError} with every input without a value and every binding without an input or a column.
 */
export function bindRows<Row>(
  plan: Plan<unknown, unknown>,
  first: Row,
  { bind, inputs: constants = {}, isText = false }: BindingOptions<Row> = {},
): RowBinding<Row> {
  requirePlan('bindRows()', plan);
  const declared = declaredInputs(plan);
  if (typeof bind === 'function') {
    const names = Object.keys(bind(first));
    requireKnown(names, declared, constants);
    return { names, itemOf: (row) => itemOf(names, bind(row)) };
  }
  const columns = Object.keys(recordOf(first));
  const columnOf = boundColumns(declared, columns, bind ?? {}, constants);
  const names = [...columnOf.keys()];
  const parse = (name: string, value: unknown) => {
    const input = declared[name] as PlanInput;
    // An empty cell, or null, is no value where the input can do without one.
    const isEmpty = value === null || (isText && value === '' && !isTextInput(input));
    if (isEmpty && !isRequired(input)) return undefined;
    return isText && typeof value === 'string' ? fromText(input, value) : value;
  };
  return {
    names,
    itemOf(row) {
      const record = recordOf(row);
      const item: Record<string, unknown> = {};
      for (const [name, column] of columnOf) {
        const value = Object.hasOwn(record, column) ? parse(name, record[column]) : undefined;
        if (value !== undefined) item[name] = value;
      }
      return item;
    },
  };
}

/**
 * A row with these columns, to bind inputs where a file has only a header.
 *
 * @throws {OptionError} when the columns are not a list.
 */
export function rowOf(columns: readonly string[]): Readonly<Record<string, string>> {
  if (!Array.isArray(columns)) throw new OptionError('rowOf() takes a list of column names');
  return Object.fromEntries(columns.map((column) => [column, '']));
}

function isTextInput({ type }: PlanInput): boolean {
  return type === undefined || [type].flat().includes('string');
}

function itemOf(names: readonly string[], values: InputValues): Record<string, unknown> {
  const unknown = Object.keys(values).filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    throw new OptionError(`bind() must give the same inputs for every row; it added ${unknown}`);
  }
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function recordOf(row: unknown): Readonly<Record<string, unknown>> {
  if (typeof row === 'object' && row !== null && !Array.isArray(row)) {
    return row as Readonly<Record<string, unknown>>;
  }
  const kind = row === null ? 'null' : Array.isArray(row) ? 'a list' : `a ${typeof row}`;
  throw new OptionError(`each row must be an object with a value for each column; one is ${kind}`);
}

/** The inputs of a plan by name. */
export function declaredInputs({ inputs }: Plan<unknown, unknown>): PlanInputRecord {
  if (inputs === undefined) return {};
  const declared = inputRecordOf(inputs);
  if (declared !== undefined) return declared;
  throw new OptionError(
    'the inputs of the plan cannot be written as JSON Schema, so that no column can be bound to them',
  );
}

function isRequired(input: PlanInput): boolean {
  return !input.optional && !('default' in input) && input.env === undefined;
}

function boundColumns(
  declared: PlanInputRecord,
  columns: readonly string[],
  bind: ColumnBinding,
  constants: InputValues,
): Map<string, string> {
  const problems: string[] = [];
  const bound = new Map<string, string>();
  const names = Object.keys(declared);
  for (const [name, column] of Object.entries(bind)) {
    const input = Object.hasOwn(declared, name) ? declared[name] : undefined;
    if (input === undefined) problems.push(noInput(name, names));
    else if (input.secret) {
      problems.push(`the input ${name} is secret: set the environment variable ${input.env}`);
    } else if (name in constants) {
      problems.push(`the input ${name} has a value and a column: give one of them`);
    } else {
      const found = findColumn(column, columns);
      if (found === undefined) {
        problems.push(
          `there is no column "${column}" for the input ${name}.${meant(column, columns)}`,
        );
      } else bound.set(name, found);
    }
  }
  for (const name of Object.keys(constants)) {
    if (!Object.hasOwn(declared, name)) problems.push(noInput(name, names));
  }
  for (const [name, input] of Object.entries(declared)) {
    if (name in bind || name in constants || input.secret) continue;
    const column = findColumn(name, columns);
    if (column !== undefined) bound.set(name, column);
    else if (isRequired(input)) {
      const remedy = `Bind one: { ${name}: 'COLUMN' }`;
      problems.push(`no column for the input ${name}.${meant(name, columns)} ${remedy}`);
    }
  }
  throwAll(problems);
  return bound;
}

/** The column of this name, also where it is written with other Unicode characters that look the same. */
function findColumn(name: string, columns: readonly string[]): string | undefined {
  if (columns.includes(name)) return name;
  const same = columns.filter((column) => column.normalize() === name.normalize());
  return same.length === 1 ? same[0] : undefined;
}

function meant(name: string, columns: readonly string[]): string {
  return didYouMean(name, columns) || ` The columns are ${columns.join(', ')}.`;
}

function requireKnown(
  names: readonly string[],
  declared: PlanInputRecord,
  constants: InputValues,
): void {
  const all = Object.keys(declared);
  const problems = [...names, ...Object.keys(constants)]
    .filter((name) => !Object.hasOwn(declared, name))
    .map((name) => noInput(name, all));
  for (const [name, input] of Object.entries(declared)) {
    if (names.includes(name) || name in constants || input.secret || !isRequired(input)) continue;
    problems.push(`bind() gives no value for the input ${name}`);
  }
  throwAll(problems);
}

function noInput(name: string, names: readonly string[]): string {
  const known =
    names.length === 0 ? ' The plan has no inputs.' : ` Its inputs are ${names.join(', ')}.`;
  return `the plan has no input ${name}.${didYouMean(name, names) || known}`;
}

function throwAll(problems: readonly string[]): void {
  const [first, ...others] = problems;
  if (first === undefined) return;
  if (others.length === 0) throw new OptionError(first);
  throw new OptionError(['the rows do not fit the plan:', ...problems].join('\n- '));
}

function requirePlan(owner: string, plan: Pick<Plan, 'tasks'>): void {
  if (Array.isArray((plan as Plan | undefined | null)?.tasks)) return;
  throw new OptionError(`${owner} takes a plan, an object with a list of tasks`);
}

/** The names of the results of a plan, as far as they are known before it runs. */
export function outputNamesOf(plan: Pick<Plan, 'outputs' | 'tasks'>): string[] {
  requirePlan('outputNamesOf()', plan);
  const { outputs, tasks } = plan;
  if (outputs !== undefined) return Array.isArray(outputs) ? [...outputs] : Object.keys(outputs);
  const isAfterAny = ({ runAfter = 'success' }: Task) => runAfter !== 'success';
  const used = new Set(
    tasks.flatMap((task) => (isAfterAny(task) ? [] : (task.dependencies ?? []))),
  );
  return tasks.filter((task) => !isAfterAny(task) && !used.has(task.id)).map(({ id }) => id);
}

/** What is about a whole run, and so about the whole map. */
const OF_THE_RUN = ['goalState', 'goalCheckInterval', 'budget', 'deadlineMs'] as const;

/**
 * The plan of one run: a fan-out over its rows, with the given plan as a module.
 *
 * @throws {OptionError} when the plan cannot be a module.
 */
export function planForRows(
  plan: Plan<unknown, unknown>,
  { names }: Pick<RowBinding<unknown>, 'names'>,
  constants: InputValues,
  { label, count }: { readonly label: string; readonly count: number },
): Plan {
  if (plan.goalState !== undefined) {
    throw new OptionError(
      'the plan has a goalState, which is about a whole run: remove it to run the plan for each row',
    );
  }
  const module = Object.fromEntries(
    Object.entries(plan).filter(
      ([name, value]) => value !== undefined && !OF_THE_RUN.includes(name as never),
    ),
  ) as unknown as Plan;
  const declared = declaredInputs(plan);
  // The environment is read for the inputs of a whole run alone.
  const others = Object.keys(declared).filter(
    (name) => !names.includes(name) && (name in constants || declared[name]?.env !== undefined),
  );
  const rows = rowsName(declared);
  const schema: PlanInputRecord = {
    ...Object.fromEntries(others.map((name) => [name, declared[name] as PlanInput])),
    [rows]: { type: 'array' },
  };
  const task: Task = {
    id: FAN_OUT,
    forEach: { items: `inputs.${rows}`, maxItems: Math.max(1, count), minSuccess: '100%' },
    plan: module,
    ...(names.length + others.length > 0 && { with: valuesFor(declared, names, others) }),
  };
  return { goal: `${plan.goal} · ${label}`, inputs: schemaOf(schema), tasks: [task] };
}

/** The values for the inputs of the module: references where each has a value, otherwise a function. */
function valuesFor(
  declared: PlanInputRecord,
  names: readonly string[],
  others: readonly string[],
): NonNullable<Task['with']> {
  if (names.every((name) => isRequired(declared[name] as PlanInput))) {
    return Object.fromEntries([
      ...names.map((name) => [name, `{{item${stepTo(name)}}}`]),
      ...others.map((name) => [name, `{{inputs${stepTo(name)}}}`]),
    ]);
  }
  return ({ item, inputs }: { item: InputValues; inputs: InputValues }) => ({
    ...Object.fromEntries(others.map((name) => [name, inputs[name]])),
    ...item,
  });
}

/** A name as a step of a path. */
function stepTo(name: string): string {
  return /^[\w-]+$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}

/** The name of the input with the rows. */
export function rowsName(declared: PlanInputRecord): string {
  let name = 'rows';
  while (name in declared) name += '_';
  return name;
}

/** A schema for inputs that the module checks itself. */
function schemaOf(inputs: PlanInputRecord): StandardSchema {
  const required = Object.keys(inputs).filter((name) => isRequired(inputs[name] as PlanInput));
  const properties = Object.fromEntries(
    Object.entries(inputs).map(([name, { optional: _, ...input }]) => [name, input]),
  );
  const json = { type: 'object', properties, required, additionalProperties: false };
  const jsonSchema = { input: () => json, output: () => json };
  const validate = (value: unknown) => ({ value });
  return { '~standard': { version: 1, vendor: 'stratagem', validate, jsonSchema } };
}

/** The row that a task belongs to, as a position in its run; undefined for none. */
export function positionOf(taskId: string): number | undefined {
  if (!taskId.startsWith('row[')) return undefined;
  const position = Number.parseInt(taskId.slice(4), 10);
  return Number.isNaN(position) ? undefined : position;
}

/** The id of the task in the plan of the row: `summary` for `row[2]/summary`; undefined for the row itself. */
export function localIdOf(taskId: string): string | undefined {
  const slash = taskId.indexOf('/');
  return slash < 0 ? undefined : taskId.slice(slash + 1);
}
