import type { Plan, PlanResult, RunOptions, TaskRunner, Usage } from '@stratagem/core';
import type { AnswerProblem } from './answer-problem.js';
import type { Complexity } from './complexity.js';
import type { PlannerOptions } from './options.js';

/** How a plan is made; the limits of a run hold for the making of it. */
export interface DecomposeOptions
  extends PlannerOptions,
    Omit<RunOptions, 'maxParallel' | 'failFast' | 'maxDepth'> {
  /** Who makes the plan. */
  readonly runner: TaskRunner;
  /**
   * Whether the goal is one task, which needs no model to say so, or many; or a function that says
   * so of a goal.
   * @default judged by the words of the goal; see `judgeComplexity`
   */
  readonly complexity?: Complexity | ((goal: string) => Complexity | Promise<Complexity>);
}

/** An answer that could not be used, and why. */
export interface RejectedAnswer {
  /** As the model gave it. */
  readonly answer: string;
  readonly problems: readonly AnswerProblem[];
}

/** A plan, and how it came about. */
export interface Decomposition {
  readonly plan: Plan;
  readonly complexity: Complexity;
  /** What was mended in the model's answer, in plain sentences. */
  readonly repairs: readonly string[];
  /** The answers that were sent back before. */
  readonly rejected: readonly RejectedAnswer[];
  /** Tokens of all requests. */
  readonly usage: Required<Usage>;
  /** Cost of all requests in US dollars; null when it is unknown. */
  readonly costUsd: number | null;
  /** The run that made the plan, with its log; undefined when no model was asked. */
  readonly result?: PlanResult;
}
