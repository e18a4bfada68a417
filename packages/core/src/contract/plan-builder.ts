import type { Budget } from './budget.js';
import { checkOptions } from './check-options.js';
import type { ItemResult } from './for-each.js';
import type { GoalState } from './goal.js';
import {
  type inputs,
  type outputs,
  PLAN_SETTINGS,
  type Plan,
  type PlanOutputs,
  type PlanSettings,
} from './plan.js';
import type { RetryPolicy } from './retry.js';
import type { RunAfter } from './run-after.js';
import type { AnySchema, SchemaOutput, StandardSchema } from './schema.js';
import type { Command } from './step.js';
import type { ModulePlan, Task, TaskType, Tool } from './task.js';
import type {
  AnyTool,
  At,
  GivenInputs,
  IsNever,
  PlanInputsPart,
  TaskInput,
  Unsaid,
} from './task-input.js';
import type { WaitFor } from './wait-for.js';

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
export type ResultsOf<P> =
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

/**
 * Creates a plan that ends early, as soon as its goal is reached: each output may then be missing.
 *
 * @param goal What the plan is for; planners and reports show it.
 * @param settings The goal as criteria, and other settings of the whole plan.
 * @throws {OptionError} when a setting is unknown.
 *
 * @example
 * const plan = createPlan('Three papers', {
 *   goalState: { criteria: [{ count: 'outputs.*.papers', operator: '>=', value: 3 }] },
 * });
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
  settings?: PlanSettings & { readonly inputs?: Inputs; readonly outputs?: Results },
): PlanBuilder<{}, never, false, Inputs, Results>;
export function createPlan(goal: string, settings: PlanSettings = {}): PlanBuilder {
  checkOptions('createPlan()', settings, PLAN_SETTINGS);
  return new PlanBuilder(goal, settings);
}
