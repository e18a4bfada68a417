import { RunError, type RunEvent } from '@stratagem/core';
import { plannerSettings } from '../options/planner-options.js';
import type { CompletedGoal, GoalResult } from './goal-result.js';
import { GoalRun } from './goal-run.js';
import { checkPlanAndExecute, OWNER, type PlanAndExecuteOptions } from './options.js';

/** A goal in progress. `await` it for its result; iterate over it for its events. */
export interface GoalHandle extends PromiseLike<GoalResult>, AsyncIterable<RunEvent> {
  /** Resolves with any outcome; never rejects. */
  readonly result: Promise<GoalResult>;
  /**
   * Like `result`, for programs that have no use for a goal without an output.
   *
   * Rejects with a `RunError` when no plan could be made, or when its run failed or was canceled.
   *
   * @example
   * const { output } = await planAndExecute(goal, options).orThrow();
   */
  orThrow(): Promise<CompletedGoal>;
  /** Stops the planning, the review or the run. The result contains everything up to then. */
  cancel(reason?: unknown): void;
}

/**
 * Makes a plan for a goal, runs it, and returns its final output. A plan that ends in several tasks
 * gets one more, which combines their outputs.
 *
 * The events are those of the planning run, when a model is asked, followed by those of the run of
 * the plan. With `stream`, both are one run.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const { output, costUsd } = await planAndExecute(
 *   'Research AI trends, then write a report',
 *   { strategy: parallel(), runner: openai(), replan: { maxRounds: 1 } },
 * ).orThrow();
 */
export function planAndExecute(goal: string, options: PlanAndExecuteOptions): GoalHandle {
  checkPlanAndExecute(goal, options);
  const run = new GoalRun(goal, options, plannerSettings(OWNER, options));
  const result = run.start();
  return {
    result,
    orThrow: async () => requireOutput(await result),
    // biome-ignore lint/suspicious/noThenProperty: a handle is awaited for its result
    then: (onFulfilled, onRejected) => result.then(onFulfilled, onRejected),
    [Symbol.asyncIterator]: () => run.events.read(),
    cancel: (reason) => run.cancel(reason),
  };
}

function requireOutput(goal: GoalResult): CompletedGoal {
  if (goal.status === 'completed') return goal;
  throw new RunError(goal.error, goal.result?.tasks ?? [], goal);
}
