import {
  type ExecutorOptions,
  OptionError,
  type Plan,
  type ReplanLimits,
  type RunOptions,
  type TaskRunner,
} from '@stratagem/core';
import { checkFlag, checkLimit, checkOptions } from '@stratagem/core/runner';
import { checkComplexityOption } from '../ask/complexity.js';
import type { DecomposeOptions } from '../ask/decompose.js';
import { PLANNING_RUN_OPTIONS, type PlanningRunOptions } from '../ask/make-plan.js';
import { checkGoal, checkRunner } from '../options/check-arguments.js';
import { PLANNER_OPTIONS, type PlannerOptions } from '../options/planner-options.js';
import { checkFallback, type PlanFallback } from './fallback.js';

/** How to plan a goal and run the plan. Limits of a run apply to both together. */
export interface PlanAndExecuteOptions
  extends PlannerOptions,
    PlanningRunOptions,
    Pick<DecomposeOptions, 'complexity'>,
    Pick<RunOptions, 'maxParallel' | 'failFast'>,
    Pick<ExecutorOptions, 'strategy'> {
  /** Does the tasks. */
  readonly runner: TaskRunner;
  /**
   * Makes the plan, and revises it.
   * @default `runner`
   */
  readonly planner?: TaskRunner | undefined;
  /**
   * Called with the plan before it runs. It may return a plan to run instead, or false to cancel.
   * With true or undefined, the plan runs as it is.
   */
  readonly review?: (
    plan: Plan,
    context: { readonly signal: AbortSignal },
  ) => Plan | boolean | undefined | Promise<Plan | boolean | undefined>;
  /**
   * Starts tasks while the plan is still being written, each as soon as it is complete and its
   * dependencies are done. It has an effect only with a planner that streams its answer.
   * @default false
   */
  readonly stream?: boolean | undefined;
  /**
   * Lets the planner revise the plan when tasks fail permanently, within these limits.
   * @default no revisions
   */
  readonly replan?: ReplanLimits | undefined;
  /**
   * With `'single-task'`, one task answers the goal when no plan can be made: its prompt is the
   * goal, and it may use all tools. A notice in the log says so. It has no effect when the run is
   * canceled, or when planning has used up a limit.
   * @default none: the goal fails without a plan
   */
  readonly fallback?: PlanFallback | undefined;
}

export const OWNER = 'planAndExecute()';

/** The options of the run that executes the plan. */
export const EXECUTION_OPTIONS = ['maxParallel', 'failFast', ...PLANNING_RUN_OPTIONS] as const;

/** @throws {OptionError} when the goal, or an option that is checked nowhere else, is invalid. */
export function checkPlanAndExecute(goal: string, options: PlanAndExecuteOptions): void {
  checkOptions(OWNER, options, [
    ...['strategy', 'runner', 'planner', 'complexity', 'review', 'stream', 'replan', 'fallback'],
    ...EXECUTION_OPTIONS,
    ...PLANNER_OPTIONS,
  ]);
  checkGoal(OWNER, goal);
  const { runner, planner = runner, complexity, review, stream } = options;
  checkRunner(OWNER, 'runner', runner);
  checkRunner(OWNER, 'planner', planner);
  checkComplexityOption(OWNER, complexity);
  if (review !== undefined && typeof review !== 'function') {
    throw new OptionError(`${OWNER}: review must be a function that takes the plan`);
  }
  if (stream !== undefined) checkFlag(OWNER, 'stream', stream);
  if (stream === true && review !== undefined) {
    const reason = 'stream starts tasks before there is a whole plan to review';
    throw new OptionError(`${OWNER}: review and stream exclude each other, because ${reason}`);
  }
  checkReplanLimits(options.replan);
  checkFallback(OWNER, options.fallback);
}

function checkReplanLimits(limits: ReplanLimits | undefined): void {
  if (limits === undefined) return;
  const owner = `${OWNER}: replan`;
  checkOptions(owner, limits, ['maxRounds', 'maxTasks']);
  for (const name of ['maxRounds', 'maxTasks'] as const) {
    const limit = limits[name];
    if (limit !== undefined) checkLimit(owner, name, limit);
  }
}
