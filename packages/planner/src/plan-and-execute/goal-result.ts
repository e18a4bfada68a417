import type { Plan, PlanResult, StratagemError, Usage } from '@stratagem/core';
import type { RejectedAnswer } from '../ask/repair-loop.js';

/** How the plan came about. */
export interface Planning {
  /** What was mended in the model's answer, in plain sentences. */
  readonly repairs: readonly string[];
  /** The answers that were sent back before, and why. */
  readonly rejected: readonly RejectedAnswer[];
  /** The run that made the plan; undefined when no model was asked, or when it was the same run. */
  readonly result?: PlanResult;
}

interface Account {
  readonly goal: string;
  readonly planning: Planning;
  /** Tokens of planning, re-planning and all tasks together. */
  readonly usage: Required<Usage>;
  /** What all of that cost in US dollars; null when tokens were used whose price is unknown. */
  readonly costUsd: number | null;
  /** How often the plan was revised while it ran. */
  readonly replanRounds: number;
}

/** The goal is reached. */
export interface CompletedGoal extends Account {
  readonly status: 'completed';
  /** What was asked for: the output of the task that all others lead to. */
  readonly output: unknown;
  /**
   * The plan that was run, with the task that puts the outputs together where it needs one. What was
   * added when it was revised is in `result.tasks` alone.
   */
  readonly plan: Plan;
  /** The run of the plan, with the outputs of all tasks and the log. */
  readonly result: PlanResult;
  readonly error?: undefined;
}

/**
 * There is no final output: no plan could be made, it failed, it was canceled, or it was complete
 * without the task that was to bring the output.
 */
export interface UnfinishedGoal extends Account {
  readonly status: 'failed' | 'canceled';
  readonly output?: undefined;
  /** Why. A `DecompositionError` when there is no plan. */
  readonly error: StratagemError;
  /** Undefined when it did not come to a plan. */
  readonly plan?: Plan;
  /** Undefined when the plan was not run. */
  readonly result?: PlanResult;
}

/** The whole account of a goal, from the plan to the final output. */
export type GoalResult = CompletedGoal | UnfinishedGoal;
