import type {
  ExecutorOptions,
  Plan,
  PlanEvent,
  ReplanLimits,
  RunOptions,
  TaskRunner,
} from '@stratagem/core';
import type { Complexity } from '../ask/complexity.js';
import type { PlanningRunOptions } from '../ask/make-plan.js';
import { type PlannerOptions, plannerSettings } from '../options/planner-options.js';
import type { GoalResult } from './goal-result.js';
import { GoalWork } from './goal-run.js';
import { checkPlanAndExecute, OWNER } from './options.js';

/** How a goal is planned and the plan is run; the limits of a run hold for both together. */
export interface PlanAndExecuteOptions
  extends PlannerOptions,
    PlanningRunOptions,
    Pick<RunOptions, 'maxParallel' | 'failFast'>,
    Pick<ExecutorOptions, 'strategy'> {
  /** Does the tasks. */
  readonly runner: TaskRunner;
  /**
   * Makes the plan, and revises it.
   * @default `runner`
   */
  readonly planner?: TaskRunner;
  /** As in `DecomposeOptions`. */
  readonly complexity?: Complexity | ((goal: string) => Complexity | Promise<Complexity>);
  /**
   * Called with the plan before anything of it is run. Nothing, or true, lets it run; a plan takes
   * the place of it; false ends it as canceled.
   */
  readonly review?: (
    plan: Plan,
    context: { readonly signal: AbortSignal },
  ) => Plan | boolean | undefined | Promise<Plan | boolean | undefined>;
  /**
   * Start tasks while the plan is still being written, each as soon as it is there and what it
   * depends on is done. Needs a planner that streams its answer to have an effect.
   * @default false
   */
  readonly stream?: boolean;
  /**
   * How often, and with how many tasks, the plan may be revised when tasks fail for good.
   * @default not at all
   */
  readonly replan?: ReplanLimits;
}

/** A goal that is being worked on. `await` it for its result; iterate over it for its events. */
export interface GoalHandle extends PromiseLike<GoalResult>, AsyncIterable<PlanEvent> {
  /** Resolves when it is over, however it ended; never rejects. */
  readonly result: Promise<GoalResult>;
  /** Stops the planning, the review or the run; what there is so far is in the result. */
  cancel(reason?: unknown): void;
}

/**
 * From a goal to a finished result: makes a plan, runs it, and gives the one output that was asked
 * for. A plan that ends in several tasks gets one more, which puts their outputs together.
 *
 * The events are those of the run that makes the plan, when a model is asked, and then those of the
 * run of the plan; with `stream`, both are one run.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const { status, output, costUsd } = await planAndExecute(
 *   'Research AI trends, then write a report',
 *   { strategy: parallel(), runner: openai(), replan: { maxRounds: 1 } },
 * );
 */
export function planAndExecute(goal: string, options: PlanAndExecuteOptions): GoalHandle {
  checkPlanAndExecute(goal, options);
  const work = new GoalWork(goal, options, plannerSettings(OWNER, options));
  const result = work.run();
  return {
    result,
    // biome-ignore lint/suspicious/noThenProperty: a goal is awaited for its result
    then: (onFulfilled, onRejected) => result.then(onFulfilled, onRejected),
    [Symbol.asyncIterator]: () => work.events.read(),
    cancel: (reason) => work.cancel(reason),
  };
}
