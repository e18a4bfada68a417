export {
  type AnswerProblem,
  type AnswerProblemCode,
  formatAnswerProblem,
} from './answer-problem.js';
export type { Complexity } from './complexity.js';
export type { DecomposeOptions, Decomposition, RejectedAnswer } from './decompose.js';
export type { PlanExample, PlannerOptions } from './options.js';
