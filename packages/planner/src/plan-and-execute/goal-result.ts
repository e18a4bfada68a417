import type { Plan, PlanResult, StratagemError, TotalUsage } from '@stratagem/core';
import type { DecompositionError } from '../ask/decomposition-error.js';
import type { RejectedAnswer } from '../ask/repair-loop.js';

/** How the plan was made. */
export interface Planning {
  /** What was repaired in the model's answer, in plain sentences. */
  readonly repairs: readonly string[];
  /** The answers that were sent back, and their problems. */
  readonly rejectedAnswers: readonly RejectedAnswer[];
  /** The planning run; undefined when no model was asked, and for a streamed plan that ran. */
  readonly result?: PlanResult | undefined;
  /** Why there is no plan, if one task answered the goal instead (`fallback`). */
  readonly failure?: DecompositionError | undefined;
}

interface GoalSummary {
  readonly goal: string;
  readonly planning: Planning;
  /** Tokens of planning, re-planning and all tasks together. */
  readonly usage: TotalUsage;
  /** The cost of all of that in US dollars; null when the price of some tokens is unknown. */
  readonly costUsd: number | null;
  /** How often the plan was revised while it ran. */
  readonly replanRounds: number;
}

/** The goal is achieved. */
export interface CompletedGoal extends GoalSummary {
  readonly status: 'completed';
  /** The final output: that of the task on which no other task depends. */
  readonly output: unknown;
  /**
   * The plan that ran, including the task that combines the outputs, if it was added. Tasks from
   * revisions are in `result.tasks` only.
   */
  readonly plan: Plan;
  /** The run of the plan, with the outputs of all tasks and the log. */
  readonly result: PlanResult;
  readonly error?: undefined;
}

/**
 * There is no final output. Either no plan could be made, or its run failed or was canceled, or the
 * plan completed without its final task.
 */
export interface UnfinishedGoal extends GoalSummary {
  readonly status: 'failed' | 'canceled';
  readonly output?: undefined;
  /** The reason; a `DecompositionError` when there is no plan. */
  readonly error: StratagemError;
  /** Undefined when no plan could be made. */
  readonly plan?: Plan | undefined;
  /** Undefined when the plan was not run. */
  readonly result?: PlanResult | undefined;
}

/** The result of `planAndExecute`. */
export type GoalResult = CompletedGoal | UnfinishedGoal;
