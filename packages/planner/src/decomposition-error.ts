import { type ErrorCode, type PlanResult, StratagemError } from '@stratagem/core';
import type { AnswerProblem } from './answer-problem.js';

/** What is known of a plan that could not be made. */
export interface DecompositionErrorDetails {
  readonly cause?: unknown;
  readonly answer?: string;
  readonly problems?: readonly AnswerProblem[];
  readonly result?: PlanResult;
}

/**
 * No plan could be made. The `code` says why: `invalid_output` when no answer of the model could be
 * used, that of the attempt when the model could not be asked (`authentication`, `rate_limited`, …),
 * `plan_canceled`, `plan_timeout` or `budget_exceeded` when the run was stopped.
 *
 * @example
 * catch (error) {
 *   if (error instanceof DecompositionError) console.error(error.problems, error.answer);
 * }
 */
export class DecompositionError extends StratagemError {
  /** The last answer, as the model gave it; undefined when there was none. */
  declare readonly answer?: string;
  /** What is wrong with that answer. */
  readonly problems: readonly AnswerProblem[];
  /** The run that was to make the plan, with its log and what it cost; not part of the JSON. */
  declare readonly result?: PlanResult;

  constructor(code: ErrorCode, message: string, details: DecompositionErrorDetails = {}) {
    const { cause, answer, problems = [], result } = details;
    super(code, message, cause === undefined ? undefined : { cause });
    if (answer !== undefined) this.answer = answer;
    this.problems = problems;
    Object.defineProperty(this, 'result', { value: result });
  }
}
