import { type ErrorCode, type PlanResult, StratagemError } from '@stratagem/core';
import type { AnswerProblem } from '../read/answer-problem.js';
import type { RejectedAnswer } from './repair-loop.js';

/** What is known of a plan that could not be made. */
export interface DecompositionErrorDetails {
  readonly cause?: unknown;
  readonly rejected?: readonly RejectedAnswer[];
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
  /** All the answers that could not be used, the last one included; not part of the JSON. */
  declare readonly rejected: readonly RejectedAnswer[];
  /** The run that was to make the plan, with its log and what it cost; not part of the JSON. */
  declare readonly result?: PlanResult;

  constructor(code: ErrorCode, message: string, details: DecompositionErrorDetails = {}) {
    const { cause, rejected = [], result } = details;
    super(code, message, cause === undefined ? undefined : { cause });
    const { answer, problems = [] } = rejected.at(-1) ?? {};
    if (answer !== undefined) this.answer = answer;
    this.problems = problems;
    Object.defineProperty(this, 'rejected', { value: rejected });
    Object.defineProperty(this, 'result', { value: result });
  }
}
