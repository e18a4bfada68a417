import type { Budget } from '../contract/budget.js';
import { checkOptions } from './check-options.js';
import type { Condition, Operator } from './condition.js';
import type { ItemResult } from './for-each.js';
import type { GoalState } from './goal.js';
import type { LoopEnding, OnExhausted } from './repeat.js';
import type { RetryPolicy } from './retry.js';
import type { RunAfter, TaskFailure } from './run-after.js';
import type { AnySchema, SchemaInput, SchemaOutput, StandardSchema } from './schema.js';
import type { Command } from './step.js';
import type { ModulePlan, Task, TaskFunction, TaskType, Tool } from './task.js';
import type { WaitFor } from './wait-for.js';

declare const outputs: unique symbol;
declare const inputs: unique symbol;

/**
 * A goal and the tasks that reach it: plain data, so any object literal of this shape will do.
 * `createPlan` writes one with types for every output.
 */
export interface Plan<Outputs = Record<string, unknown>, Inputs = unknown> extends PlanSettings {
  readonly goal: string;
  readonly tasks: readonly Task[];
  /** Only a type: the output of each task by id. */
  readonly [outputs]?: Outputs;
  /** Only a type: the values that a run needs. */
  readonly [inputs]?: Inputs;
}

/** Settings of a whole plan. */
export interface PlanSettings {
  /** When the goal is reached. The run ends then, and fails if the goal is not reached at the end. */
  readonly goalState?: GoalState | undefined;
  /**
   * After how many completed tasks the goal is checked; it is always checked at the end.
   * @default 1
   */
  readonly goalCheckInterval?: number | undefined;
  /** How failed attempts are repeated, for tasks without their own `retry`. */
  readonly retry?: RetryPolicy | undefined;
  /** Timeout of one attempt in milliseconds, for tasks without their own `timeoutMs`. */
  readonly timeoutMs?: number | undefined;
  /** The same for `idleTimeoutMs`, for tasks without their own and without a `run` function. */
  readonly idleTimeoutMs?: number | undefined;
  /** Timeout of the whole run in milliseconds; the run fails then. */
  readonly deadlineMs?: number | undefined;
  /** Limits of what the run may use. */
  readonly budget?: Budget | undefined;
  /**
   * The inputs of the plan: a schema of an object, such as `z.object({ company: z.string() })`. Each run
   * gets values for them. Prompts, conditions and fan-outs refer to `inputs.company`, and functions get
   * them as `inputs`.
   */
  readonly inputs?: StandardSchema | undefined;
  /**
   * The results that the plan is for: names, and where the values come from. `'report.summary'` is the
   * output of a task or a part of it; a text with `{{references}}` is filled in. A list of task ids names
   * their outputs.
   * @default the outputs of the tasks that no other task depends on
   */
  readonly outputs?: PlanOutputs | undefined;
  /** Your own data; never interpreted. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** The results of a plan: where the value of each name comes from, or ids of tasks. */
export type PlanOutputs = Readonly<Record<string, string>> | readonly string[];

/** The output types of a plan by task id. */
export type OutputsOf<P extends Plan<unknown>> = P extends Plan<infer Outputs> ? Outputs : never;

/** Whether an id is known only when the program runs (`string`, `page-${number}`). */
type IsDynamic<Id extends string> = { [K in Id]: 1 } extends infer R
  ? {} extends R
    ? true
    : false
  : never;

declare const noEarlierTask: unique symbol;

/** Only in compile errors: no task `Id` has been added before. The ids of the tasks that have follow. */
interface NoEarlierTask<Id, EarlierIds> {
  readonly [noEarlierTask]: readonly [Id, EarlierIds];
}

/** The ids that `dependencies` may name: those of earlier tasks, and any computed at run time. */
type KnownIds<Outputs, Ids extends readonly string[]> = {
  readonly [I in keyof Ids]: IsDynamic<Ids[I]> extends true
    ? Ids[I]
    : Ids[I] extends keyof Outputs
      ? Ids[I]
      : NoEarlierTask<Ids[I], keyof Outputs & string>;
};

/** The argument of a task's function. */
export type InputsOf<Outputs, Ids extends readonly string[]> = string extends Ids[number]
  ? Readonly<Record<string, unknown>> &
      (IsNever<WrittenIds<Ids>> extends true ? unknown : InputsByIds<Outputs, WrittenIds<Ids>>)
  : InputsByIds<Outputs, Ids[number]>;

type InputsByIds<Outputs, Ids extends string> = {
  readonly [Id in Ids]: Id extends keyof Outputs ? Outputs[Id] : unknown;
};

/** The ids that are written out, where others are computed at run time. */
type WrittenIds<Ids extends readonly string[]> = Ids extends readonly [
  infer Id extends string,
  ...infer Rest extends readonly string[],
]
  ? (string extends Id ? never : Id) | WrittenIds<Rest>
  : Ids extends readonly [...infer Rest extends readonly string[], infer Id extends string]
    ? (string extends Id ? never : Id) | WrittenIds<Rest>
    : never;

/** The inputs of a task that may run after failures lack the outputs of the failed tasks. */
type InputsAfter<Outputs, Ids extends readonly string[], After, Loops> = After extends 'success'
  ? InputsOf<Outputs, Ids> & FactsOf<Outputs, Ids[number] & Loops>
  : Partial<InputsOf<Outputs, Ids> & FactsOf<Outputs, Ids[number] & Loops>>;

/** What loops tell their dependents besides their outputs. */
type FactsOf<Outputs, Loops> =
  IsNever<Loops> extends true
    ? unknown
    : {
        readonly [Id in Loops & string as `${Id}#ending`]: LoopEnding | UndefinedOf<Outputs, Id>;
      } & {
        readonly [Id in Loops & string as `${Id}#iterations`]: number | UndefinedOf<Outputs, Id>;
      };

/** Undefined where the task may not be chosen. */
type UndefinedOf<Outputs, Id> = Id extends keyof Outputs ? Extract<Outputs[Id], undefined> : never;

/** The argument of functions besides the outputs of dependencies: the inputs of the plan. */
type PlanInputsPart<Schema> =
  Schema extends StandardSchema<infer _, infer Values> ? { readonly inputs: Values } : unknown;

/** The values that `execute` needs for a plan. */
type GivenInputs<Schema> = Schema extends StandardSchema<infer Given, infer _> ? Given : unknown;

/** The type of the value at a path like `gather.documents`; unknown for other forms of paths. */
type At<Value, Path extends string> = Path extends keyof Value
  ? Value[Path]
  : Path extends `${infer Head}.${infer Rest}`
    ? Head extends keyof Value
      ? At<Value[Head], Rest>
      : unknown
    : unknown;

type ElementOf<List> = List extends readonly (infer Element)[] ? Element : unknown;

// Where a type says `${Source}` or `Operator & Chosen`, it is for inference: the parameter stays
// `never` unless the field is there, and a function is never taken for a path.

/** The list of a fan-out: a path or a function. */
type ItemsInput<Inputs, Source extends string, Item> =
  | `${Source}`
  | ((inputs: Inputs) => readonly Item[]);

/** `forEach` of a task whose dependencies are known. */
type ForEachInput<Inputs, Source extends string, Item> =
  | ItemsInput<Inputs, Source, Item>
  | {
      readonly items: ItemsInput<Inputs, Source, Item>;
      readonly maxItems?: number | undefined;
      readonly minSuccess?: number | `${number}%` | undefined;
    };

/** `when` of a task whose dependencies are known. */
type WhenInput<Inputs, Chosen> =
  | {
      readonly path: string;
      readonly operator: Operator & Chosen;
      readonly value: unknown;
    }
  | { readonly all: readonly (Condition & Chosen)[] }
  | { readonly any: readonly (Condition & Chosen)[] }
  | { readonly not: Condition & Chosen }
  | ((inputs: Inputs) => boolean & Chosen);

/** The output of one iteration, as far as it is known before the function of the task is. */
type IterationOutput<Schema, Subtasks, Type, Module> = Module extends ModulePlan
  ? unknown
  : Schema extends AnySchema
    ? SchemaOutput<Schema>
    : Subtasks extends readonly Task[]
      ? Type extends 'aggregate'
        ? unknown
        : Readonly<Record<string, unknown>>
      : unknown;

/** What the iterations of a loop get besides the inputs of the task. */
type IterationInputs<Iteration, Looped> =
  IsNever<Looped> extends true
    ? unknown
    : { readonly previous?: Iteration | undefined; readonly iteration: number };

/** `repeat` of a task whose dependencies are known. */
interface RepeatInput<Inputs, Id extends string, Iteration, Looped> {
  readonly until: WhenInput<
    Inputs & IterationInputs<Iteration, boolean> & { readonly [K in Id]: Iteration },
    Looped
  >;
  readonly maxIterations?: number | undefined;
  readonly onExhausted?: OnExhausted | undefined;
}

/** Neither a path nor a function was given. */
type IsNever<T> = [T] extends [never] ? true : false;

/**
 * The argument of a task's function besides the inputs of an iteration; in a fan-out, it includes the item
 * and its position.
 */
type BodyInputs<
  Outputs,
  Ids extends readonly string[],
  Source extends string,
  Item,
  After,
  PlanPart,
  Loops,
> = InputsAfter<Outputs, Ids, After, Loops> &
  PlanPart &
  (IsNever<Source | Item> extends true
    ? unknown
    : {
        readonly item: IsNever<Source> extends true
          ? Item
          : ElementOf<At<Outputs & PlanPart, Source>>;
        readonly index: number;
      });

/** Marks an output whose type is not known. */
declare const unsaid: unique symbol;
type Unsaid = typeof unsaid;

/** Where another field is wrong, the output is not inferred: that is no second error. */
type AnyIfUnsaid<Output> = [Output] extends [Unsaid] ? unknown : never;

/** A tool whose types do not matter. */
// biome-ignore lint/suspicious/noExplicitAny: the types of a tool are inferred from it
type AnyTool = Tool<any, any>;

/** A value in which references may take the place of any part. */
type Referring<Value> =
  | `${string}{{${string}}}${string}`
  | (Value extends string | number | boolean | bigint | null | undefined
      ? Value
      : { readonly [Key in keyof Value]: Referring<Value[Key]> });

/** `args` of a task: for a tool that is given itself, its schema says what they are. */
type ArgsInput<Called, Inputs> =
  Called extends Tool<infer Schema, infer _>
    ?
        | { readonly [Name in keyof SchemaInput<Schema>]: Referring<SchemaInput<Schema>[Name]> }
        | ((inputs: Inputs) => SchemaInput<Schema>)
    : Readonly<Record<string, unknown>> | ((inputs: Inputs) => Readonly<Record<string, unknown>>);

/** The argument of `addTask`: its types know the ids and outputs of earlier tasks. */
export type TaskInput<
  Outputs,
  Id extends string,
  Ids extends readonly string[],
  Output,
  Schema = undefined,
  Source extends string = never,
  Item = never,
  Chosen = never,
  Subtasks = undefined,
  Type = TaskType,
  Wait = undefined,
  After = RunAfter,
  PlanPart = unknown,
  Called = undefined,
  Ran = undefined,
  Module = undefined,
  Looped = never,
  Loops = never,
  Body = BodyInputs<Outputs, Ids, Source, Item, After, PlanPart, Loops> &
    IterationInputs<IterationOutput<Schema, Subtasks, Type, Module>, Looped>,
> = Omit<Task, TypedField> & {
  readonly id: Id;
  readonly runAfter?: After | undefined;
  readonly type?: Type | undefined;
  // The second list is for editors, which complete its ids.
  readonly dependencies?:
    | (Ids & KnownIds<Outputs, Ids>)
    | readonly (keyof Outputs & string)[]
    | undefined;
  readonly outputSchema?: Schema | undefined;
  readonly when?: WhenInput<InputsAfter<Outputs, Ids, After, Loops> & PlanPart, Chosen> | undefined;
  readonly forEach?:
    | ForEachInput<InputsAfter<Outputs, Ids, After, Loops> & PlanPart, Source, Item>
    | undefined;
  readonly repeat?:
    | RepeatInput<
        BodyInputs<Outputs, Ids, Source, Item, After, PlanPart, Loops>,
        Id,
        IterationOutput<Schema, Subtasks, Type, Module>,
        Looped
      >
    | undefined;
  readonly subtasks?: Subtasks | undefined;
  readonly waitFor?: Wait | undefined;
  readonly tool?: Called | undefined;
  readonly args?: ArgsInput<Called, Body> | undefined;
  readonly command?: Ran | undefined;
  readonly plan?: Module | undefined;
  readonly with?: WithInput<Module, Body> | undefined;
  readonly description?: string | undefined;
  readonly prompt?: ((inputs: Body, failures: readonly TaskFailure[]) => string) | undefined;
  readonly run?: TaskFunction<Body, Output | AnyIfUnsaid<Output>> | undefined;
} & (
    | { readonly description: string }
    | {
        readonly prompt: (inputs: Body, failures: readonly TaskFailure[]) => string;
      }
    | {
        readonly run: TaskFunction<Body, Output | AnyIfUnsaid<Output>>;
      }
    | { readonly tool: AnyTool | string }
    | { readonly command: Command }
    | { readonly subtasks: readonly Task[] }
    | ModuleWork<Module>
  );

/** A module needs values where an input of its plan has no default. */
type ModuleWork<Module> =
  Module extends Plan<infer _, infer Given>
    ? {} extends Given
      ? { readonly plan: ModulePlan }
      : { readonly plan: ModulePlan; readonly with: object }
    : never;

/** `with` of a task whose dependencies are known. */
type WithInput<Module, Inputs> =
  Module extends Plan<infer _, infer Given> ? ModuleValuesInput<Given, Inputs> : undefined;

type ModuleValuesInput<Given, Inputs> =
  | { readonly [K in keyof Given]: Filled<Given[K]> }
  | ((inputs: Inputs) => Given);

/** A value, or texts with references in its place or in its parts. */
type Filled<Value> =
  | Value
  | `${string}{{${string}}}${string}`
  | (Value extends object ? { readonly [K in keyof Value]: Filled<Value[K]> } : never);

type TypedField =
  | 'id'
  | 'runAfter'
  | 'type'
  | 'dependencies'
  | 'outputSchema'
  | 'when'
  | 'forEach'
  | 'repeat'
  | 'subtasks'
  | 'waitFor'
  | 'plan'
  | 'with'
  | 'description'
  | 'prompt'
  | 'run'
  | 'tool'
  | 'args'
  | 'command';

/** The type of the output of one attempt: of its schema, of its function or tool, or text. */
type AttemptOutput<Output, Schema, Subtasks, Type, Wait, Called, Ran, Module> =
  Schema extends AnySchema
    ? SchemaOutput<Schema>
    : Called extends AnyTool
      ? Called extends Tool<infer _, infer Value>
        ? Value
        : unknown
      : Called extends string
        ? unknown
        : Ran extends Command
          ? Ran extends { readonly output: 'json' }
            ? unknown
            : string
          : ModelOutput<Output, Subtasks, Type, Wait, Module>;

type ModelOutput<Output, Subtasks, Type, Wait, Module> = Output extends Unsaid
  ? Module extends ModulePlan
    ? ResultsOf<Module>
    : Subtasks extends readonly Task[]
      ? Type extends 'aggregate'
        ? string
        : Readonly<Record<string, unknown>>
      : Wait extends WaitFor
        ? Wait extends 'approval' | { readonly kind: 'approval' }
          ? true
          : unknown
        : string
  : Output;

/** The results of a plan by name. Which of its tasks are the final ones is not known to the types. */
type ResultsOf<P> =
  P extends PlanBuilder<infer Outputs, infer _, infer __, infer Inputs, infer Results>
    ? Results extends readonly string[]
      ? { readonly [Id in Results[number]]: Id extends keyof Outputs ? Outputs[Id] : unknown }
      : Results extends Readonly<Record<string, string>>
        ? {
            readonly [Name in keyof Results]: ResultAt<
              Outputs & PlanInputsPart<Inputs>,
              Results[Name]
            >;
          }
        : { readonly [Id in keyof Outputs]?: Outputs[Id] | undefined }
    : Readonly<Record<string, unknown>>;

/** The value at a path; a text with references is filled in. */
type ResultAt<Outputs, Source extends string> = Source extends `{{${infer Path}}}`
  ? Path extends `${string}{{${string}`
    ? string
    : At<Outputs, Path>
  : Source extends `${string}{{${string}`
    ? string
    : At<Outputs, Source>;

/** The type of the output of a task; it includes undefined when the task may not be chosen. */
type OutputOf<Attempt, Each, IsOptional> =
  | (IsNever<Each> extends true ? Attempt : readonly ItemResult<Attempt>[])
  | (IsOptional extends true ? undefined : never);

/**
 * Whether a task may be skipped: by its own condition, with all of its dependencies, with the one that
 * its items come from, or because nothing failed before it.
 */
type IsOptional<Chosen, Ids extends readonly string[], Optional, Source, After> =
  IsNever<Chosen> extends true
    ? After extends 'failure'
      ? true
      : Ids extends readonly []
        ? false
        : [Exclude<Ids[number], Optional>] extends [never]
          ? After extends 'settled'
            ? IsNever<Source> extends true
              ? false
              : true
            : true
          : [Source] extends [PathIn<Optional>]
            ? IsNever<Source> extends true
              ? false
              : true
            : false
    : true;

/** A path in the output of one of these tasks. */
type PathIn<Ids> = Ids extends string ? Ids | `${Ids}.${string}` | `${Ids}[${string}` : never;

/**
 * Builds a plan. Each `addTask` adds to this same plan and returns it with the type of the new
 * task's output.
 *
 * `Optional` are the ids of tasks that may not be chosen. With a goal, `EndsEarly` is true: a completed
 * run may lack some outputs. `Inputs` is the schema of the inputs of the plan, `Results` its `outputs`. `Loops` are
 * the ids of loops.
 */
export class PlanBuilder<
  Outputs = {},
  Optional extends string = never,
  EndsEarly extends boolean = false,
  Inputs extends StandardSchema | undefined = undefined,
  Results extends PlanOutputs | undefined = undefined,
  Loops extends string = never,
> implements Plan<EndsEarly extends true ? Partial<Outputs> : Outputs, GivenInputs<Inputs>>
{
  declare readonly [outputs]?: EndsEarly extends true ? Partial<Outputs> : Outputs;
  declare readonly [inputs]?: GivenInputs<Inputs>;
  readonly goal: string;
  readonly tasks: Task[] = [];
  declare readonly goalState?: GoalState | undefined;
  declare readonly goalCheckInterval?: number | undefined;
  declare readonly retry?: RetryPolicy | undefined;
  declare readonly timeoutMs?: number | undefined;
  declare readonly idleTimeoutMs?: number | undefined;
  declare readonly deadlineMs?: number | undefined;
  declare readonly budget?: Budget | undefined;
  declare readonly inputs?: StandardSchema | undefined;
  declare readonly outputs?: Results | undefined;
  declare readonly metadata?: Readonly<Record<string, unknown>> | undefined;

  constructor(goal: string, settings: PlanSettings = {}) {
    this.goal = goal;
    for (const [name, value] of Object.entries(settings)) {
      if (value !== undefined) Object.assign(this, { [name]: value });
    }
  }

  /**
   * Adds a task. Its dependencies must have been added before it, which the types check for ids
   * written out; ids computed at run time are checked when the plan is run.
   *
   * @example
   * createPlan('Greet')
   *   .addTask({ id: 'names', run: () => ['Ada', 'Alan'] })
   *   .addTask({
   *     id: 'greetings',
   *     dependencies: ['names'],
   *     forEach: ({ names }) => names,
   *     run: ({ item }) => `Hello ${item}`,
   *   });
   */
  addTask<
    const Id extends string,
    const Ids extends readonly string[] = [],
    Output = Unsaid,
    Schema extends AnySchema | undefined = undefined,
    const Source extends string = never,
    Item = never,
    Chosen extends string | boolean | object = never,
    Subtasks extends readonly Task[] | undefined = undefined,
    const Type extends TaskType = 'action',
    const Wait extends WaitFor | undefined = undefined,
    const After extends RunAfter = 'success',
    const Called extends AnyTool | string | undefined = undefined,
    const Ran extends Command | undefined = undefined,
    Module extends ModulePlan | undefined = undefined,
    Looped extends string | boolean | object = never,
  >(
    task: TaskInput<
      Outputs,
      Id,
      Ids,
      Output,
      Schema,
      Source,
      Item,
      Chosen,
      Subtasks,
      Type,
      Wait,
      After,
      PlanInputsPart<Inputs>,
      Called,
      Ran,
      Module,
      Looped,
      Loops
    >,
  ): PlanBuilder<
    Outputs & {
      [K in Id]: OutputOf<
        AttemptOutput<Output, Schema, Subtasks, Type, Wait, Called, Ran, Module>,
        Source | Item,
        IsOptional<Chosen, Ids, Optional, Source, After>
      >;
    },
    IsOptional<Chosen, Ids, Optional, Source, After> extends true ? Optional | Id : Optional,
    EndsEarly,
    Inputs,
    Results,
    IsNever<Looped> extends true ? Loops : Loops | Id
  > {
    this.tasks.push(task as unknown as Task);
    return this as never;
  }
}

/** The fields of a plan besides its goal and its tasks. */
export const PLAN_SETTINGS = [
  'goalState',
  'goalCheckInterval',
  'retry',
  'timeoutMs',
  'idleTimeoutMs',
  'deadlineMs',
  'budget',
  'inputs',
  'outputs',
  'metadata',
];

/**
 * Starts a plan.
 *
 * @param goal The goal of the whole plan, in a sentence.
 * @throws {OptionError} when a setting is unknown.
 *
 * @example
 * const plan = createPlan('Market report', { deadlineMs: 60_000 })
 *   .addTask({ id: 'research', description: 'Gather market data for the AI industry' })
 *   .addTask({ id: 'report', description: 'Write the report', dependencies: ['research'] });
 *
 * @example
 * const plan = createPlan('Profile', { inputs: z.object({ company: z.string() }) })
 *   .addTask({ id: 'profile', description: 'Describe {{inputs.company}} in a sentence' });
 * await executor.execute(plan, { inputs: { company: 'Apple' } });
 */
export function createPlan<
  Inputs extends StandardSchema | undefined = undefined,
  const Results extends PlanOutputs | undefined = undefined,
>(
  goal: string,
  settings: PlanSettings & {
    readonly goalState: GoalState;
    readonly inputs?: Inputs;
    readonly outputs?: Results;
  },
): PlanBuilder<{}, never, true, Inputs, Results>;
export function createPlan<
  Inputs extends StandardSchema | undefined = undefined,
  const Results extends PlanOutputs | undefined = undefined,
>(
  goal: string,
  settings?: PlanSettings & { readonly inputs?: Inputs; readonly outputs?: Results },
): PlanBuilder<{}, never, false, Inputs, Results>;
export function createPlan(goal: string, settings: PlanSettings = {}): PlanBuilder {
  checkOptions('createPlan()', settings, PLAN_SETTINGS);
  return new PlanBuilder(goal, settings);
}
