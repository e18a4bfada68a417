export {
  type Complexity,
  type ComplexityOption,
  complexityScore,
  estimateComplexity,
} from './ask/complexity.js';
export { type DecomposeOptions, type Decomposition, decompose } from './ask/decompose.js';
export {
  DecompositionError,
  type DecompositionErrorDetails,
} from './ask/decomposition-error.js';
export { type CostEstimate, type CostEstimateOptions, estimateCost } from './ask/estimate-cost.js';
export type { PlanningRunOptions } from './ask/make-plan.js';
export type { RejectedAnswer } from './ask/repair-loop.js';
export { type ReplannerOptions, replanner } from './ask/replanner.js';
export type { PlanExample, PlannerOptions } from './options/planner-options.js';
export type { PlanFallback } from './plan-and-execute/fallback.js';
export type {
  CompletedGoal,
  GoalResult,
  Planning,
  UnfinishedGoal,
} from './plan-and-execute/goal-result.js';
export type { PlanAndExecuteOptions } from './plan-and-execute/options.js';
export { type GoalHandle, planAndExecute } from './plan-and-execute/plan-and-execute.js';
export {
  type AnswerProblem,
  type AnswerProblemCode,
  formatAnswerProblem,
} from './read/answer-problem.js';
