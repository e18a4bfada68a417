import type { Condition, Operator } from './condition.js';
import type { ItemStream } from './for-each.js';
import type { Plan } from './plan.js';
import type { LoopEnding, OnExhausted } from './repeat.js';
import type { RunAfter, TaskFailure } from './run-after.js';
import type { AnySchema, SchemaInput, SchemaOutput, StandardSchema } from './schema.js';
import type { Command } from './step.js';
import type { ModulePlan, Task, TaskFunction, TaskSettings, TaskType, Tool } from './task.js';
import type { WaitFor } from './wait-for.js';

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
export type PlanInputsPart<Schema> =
  Schema extends StandardSchema<infer _, infer Values> ? { readonly inputs: Values } : unknown;

/** The values that `execute` needs for a plan. */
export type GivenInputs<Schema> =
  Schema extends StandardSchema<infer Given, infer _> ? Given : unknown;

/** The type of the value at a path like `gather.documents`; unknown for other forms of paths. */
export type At<Value, Path extends string> = Path extends keyof Value
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
    }
  | {
      readonly stream: ItemStream<Item>;
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

/**
 * The output of one iteration, as far as it is known before the function of the task is.
 *
 * @typeParam Written What it is where the task itself does its work: text, where it has a prompt.
 */
type IterationOutput<
  Schema,
  Subtasks,
  Type,
  Module,
  Called,
  Ran,
  Written = unknown,
> = Module extends ModulePlan
  ? unknown
  : Schema extends AnySchema
    ? SchemaOutput<Schema>
    : Called extends AnyTool | string
      ? Called extends Tool<infer _, infer Value>
        ? Value
        : unknown
      : Ran extends Command
        ? Ran extends { readonly output: 'json' }
          ? unknown
          : string
        : Subtasks extends readonly Task[]
          ? Type extends 'aggregate'
            ? Written
            : Readonly<Record<string, unknown>>
          : Written;

/** What the iterations of a loop get besides the inputs of the task. */
type IterationInputs<Iteration, Looped> = [Looped] extends [never]
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
export type IsNever<T> = [T] extends [never] ? true : false;

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
export type Unsaid = typeof unsaid;

/** Where another field is wrong, the output is not inferred: that is no second error. */
type AnyIfUnsaid<Output> = [Output] extends [Unsaid] ? unknown : never;

/** A tool whose types do not matter. */
// biome-ignore lint/suspicious/noExplicitAny: the types of a tool are inferred from it
export type AnyTool = Tool<any, any>;

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
    IterationInputs<IterationOutput<Schema, Subtasks, Type, Module, Called, Ran>, Looped>,
  PromptBody = [Looped] extends [never]
    ? Body
    : Omit<Body, 'previous'> &
        IterationInputs<
          IterationOutput<
            Schema,
            Subtasks,
            Type,
            Module,
            Called,
            Ran,
            Wait extends WaitFor ? unknown : string
          >,
          Looped
        >,
> = TaskSettings & {
  /** Unique within the plan; any non-empty string without control characters. */
  readonly id: Id;
  /**
   * How the dependencies must have ended for this task to run: see {@link RunAfter}.
   * @default 'success'
   */
  readonly runAfter?: After | undefined;
  /**
   * What kind of step it is, for readers and reports. Durations are learned for each type.
   * @default 'action'
   */
  readonly type?: Type | undefined;
  /**
   * Ids of the tasks that must complete first, or that must end first with another `runAfter`; this one
   * gets their outputs.
   */
  // The second list is for editors, which complete its ids.
  readonly dependencies?:
    | (Ids & KnownIds<Outputs, Ids>)
    | readonly (keyof Outputs & string)[]
    | undefined;
  /**
   * The schema of the output: of any Standard Schema library (zod, valibot, arktype, …), or plain JSON
   * Schema. An attempt whose output does not match fails with `invalid_output`.
   */
  readonly outputSchema?: Schema | undefined;
  /** Runs this task only if the condition holds for the outputs of its dependencies; otherwise it is skipped. */
  readonly when?: WhenInput<InputsAfter<Outputs, Ids, After, Loops> & PlanPart, Chosen> | undefined;
  /**
   * Runs this task once for each item of a list, with the input `item`. The output is the list of the
   * results, in the order of the items.
   */
  readonly forEach?:
    | ForEachInput<InputsAfter<Outputs, Ids, After, Loops> & PlanPart, Source, Item>
    | undefined;
  /**
   * Runs this task again, with all of its subtasks, until a condition holds. The output is that of the last
   * iteration.
   */
  readonly repeat?:
    | RepeatInput<
        BodyInputs<Outputs, Ids, Source, Item, After, PlanPart, Loops>,
        Id,
        IterationOutput<Schema, Subtasks, Type, Module, Called, Ran>,
        Looped
      >
    | undefined;
  /**
   * Tasks that belong to this one, which is complete when they are. Its output is the record of their
   * outputs by id.
   */
  readonly subtasks?: Subtasks | undefined;
  /** Makes this a human step: the description is the question, and the output is the answer. */
  readonly waitFor?: Wait | undefined;
  /** Calls this tool, without a model: a tool, or its name in the options of the executor. */
  readonly tool?: Called | undefined;
  /**
   * The input of the `tool`.
   * @default an empty object
   */
  readonly args?: ArgsInput<Called, Body> | undefined;
  /**
   * Runs this program, without a model and without a shell; its standard output is the output. Only where
   * the executor has `commands`.
   */
  readonly command?: Ran | undefined;
  /** Makes this a module: a group with the tasks of another plan, which see the inputs of that plan alone. */
  readonly plan?: Module | undefined;
  /** The values for the inputs of `plan`. */
  readonly with?: WithInput<Module, Body> | undefined;
  /**
   * The prompt. `{{research}}` and `{{research.companies[0].name}}` are replaced with the output of a
   * dependency or a part of it. Without any such reference, the outputs of all dependencies are appended.
   */
  readonly description?: string | undefined;
  /** Makes the prompt in code, from the outputs of the dependencies; nothing is appended to it. */
  readonly prompt?: ((inputs: PromptBody, failures: readonly TaskFailure[]) => string) | undefined;
  /** Makes this a function task, which needs no runner: it gets the outputs of the dependencies by id. */
  readonly run?: TaskFunction<Body, Output | AnyIfUnsaid<Output>> | undefined;
} & (
    | {
        readonly prompt: (inputs: PromptBody, failures: readonly TaskFailure[]) => string;
      }
    | { readonly run: TaskFunction<Body, Output | AnyIfUnsaid<Output>> }
    // Where all are missing, the compiler reports this third one: the most common.
    | { readonly description: string }
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
