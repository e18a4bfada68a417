import { checkOptions } from './options.js';
import type { Task, TaskFunction } from './task.js';

declare const outputs: unique symbol;

/**
 * A goal and the tasks that reach it: plain data, so any object literal of this shape will do.
 * `createPlan` writes one with types for every output.
 */
export interface Plan<Outputs = Record<string, unknown>> {
  readonly goal: string;
  readonly tasks: readonly Task[];
  /** Yours; never interpreted. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Only a type: the output of each task by id. */
  readonly [outputs]?: Outputs;
}

/** The output types of a plan by task id. */
export type OutputsOf<P extends Plan<unknown>> = P extends Plan<infer Outputs> ? Outputs : never;

/** Whether an id is known only when the program runs (`string`, `page-${number}`). */
type IsDynamic<Id extends string> = { [K in Id]: 1 } extends infer R
  ? {} extends R
    ? true
    : false
  : never;

/** The ids that `dependencies` may name: those of earlier tasks, and any computed at run time. */
type KnownIds<Outputs, Ids extends readonly string[]> = {
  readonly [I in keyof Ids]: IsDynamic<Ids[I]> extends true
    ? Ids[I]
    : Ids[I] extends keyof Outputs
      ? Ids[I]
      : keyof Outputs & string;
};

/** What a task's function receives. */
export type InputsOf<Outputs, Ids extends readonly string[]> = Readonly<{
  [Id in Ids[number]]: Id extends keyof Outputs ? Outputs[Id] : unknown;
}>;

/** A task as `addTask` takes it: the ids of earlier tasks and their outputs are known to the types. */
export type TaskInput<Outputs, Id extends string, Ids extends readonly string[], Output> = Omit<
  Task,
  'id' | 'dependencies' | 'run'
> & {
  readonly id: Id;
  readonly dependencies?: Ids & KnownIds<Outputs, Ids>;
} & (
    | { readonly description: string; readonly run?: undefined }
    | { readonly run: TaskFunction<InputsOf<Outputs, Ids>, Output> }
  );

/**
 * A plan that is being written. Each `addTask` adds to this same plan and returns it with the new
 * task's output in its type.
 */
export class PlanBuilder<Outputs = {}> implements Plan<Outputs> {
  declare readonly [outputs]?: Outputs;
  readonly goal: string;
  readonly tasks: Task[] = [];
  declare readonly metadata?: Readonly<Record<string, unknown>>;

  constructor(goal: string, metadata?: Readonly<Record<string, unknown>>) {
    this.goal = goal;
    if (metadata !== undefined) this.metadata = metadata;
  }

  /**
   * Adds a task. Its dependencies must have been added before it, which the types check for ids
   * written out; ids computed at run time are checked when the plan is run.
   *
   * @example
   * createPlan('Greet')
   *   .addTask({ id: 'name', run: () => 'Ada' })
   *   .addTask({ id: 'greeting', dependencies: ['name'], run: ({ name }) => `Hello ${name}` });
   */
  addTask<const Id extends string, const Ids extends readonly string[] = [], Output = string>(
    task: TaskInput<Outputs, Id, Ids, Output>,
  ): PlanBuilder<Outputs & { [K in Id]: Output }> {
    this.tasks.push(task as unknown as Task);
    return this as unknown as PlanBuilder<Outputs & { [K in Id]: Output }>;
  }
}

/**
 * Starts a plan.
 *
 * @param goal What the whole plan is to reach, in a sentence.
 *
 * @example
 * const plan = createPlan('Market report')
 *   .addTask({ id: 'research', description: 'Gather market data for the AI industry' })
 *   .addTask({ id: 'report', description: 'Write the report', dependencies: ['research'] });
 */
export function createPlan(
  goal: string,
  options: { metadata?: Readonly<Record<string, unknown>> } = {},
): PlanBuilder {
  checkOptions('createPlan()', options, ['metadata']);
  return new PlanBuilder(goal, options.metadata);
}
