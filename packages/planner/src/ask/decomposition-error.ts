import { type ErrorCode, type PlanResult, StratagemError } from '@stratagem/core';
import type { AnswerProblem } from '../read/answer-problem.js';
import type { RejectedAnswer } from './repair-loop.js';

export interface DecompositionErrorDetails {
  readonly cause?: unknown | undefined;
  readonly rejectedAnswers?: readonly RejectedAnswer[] | undefined;
  readonly result?: PlanResult | undefined;
}

/**
 * No plan could be made. The `code` says why:
 *
 * - `invalid_output`: no answer of the model was usable;
 * - the code of the attempt (`authentication`, `rate_limited`, …): the model could not be asked;
 * - `run_canceled`, `deadline_exceeded` or `budget_exceeded`: the run was stopped.
 *
 * @example
 * catch (error) {
 *   if (error instanceof DecompositionError) console.error(error.problems, error.answer);
 * }
 */
export class DecompositionError extends StratagemError {
  /** The last answer, as the model wrote it; undefined when there was none. */
  declare readonly answer?: string;
  /** The problems of that answer. */
  readonly problems: readonly AnswerProblem[];
  /** All unusable answers, including the last one; not part of the JSON. */
  declare readonly rejectedAnswers: readonly RejectedAnswer[];
  /** The planning run, with its log and its cost; not part of the JSON. */
  declare readonly result?: PlanResult;

  constructor(code: ErrorCode, message: string, details: DecompositionErrorDetails = {}) {
    const { cause, rejectedAnswers = [], result } = details;
    super(code, message, cause === undefined ? undefined : { cause });
    const { answer, problems = [] } = rejectedAnswers.at(-1) ?? {};
    if (answer !== undefined) this.answer = answer;
    this.problems = problems;
    Object.defineProperty(this, 'rejectedAnswers', { value: rejectedAnswers });
    Object.defineProperty(this, 'result', { value: result });
  }
}
