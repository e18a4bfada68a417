export {
  type AnswerProblem,
  type AnswerProblemCode,
  formatAnswerProblem,
} from './answer-problem.js';
export { type Complexity, judgeComplexity } from './complexity.js';
export { type DecomposeOptions, type Decomposition, decompose } from './decompose.js';
export { DecompositionError, type DecompositionErrorDetails } from './decomposition-error.js';
export type { RejectedAnswer } from './dialogue.js';
export type { CompletedGoal, GoalResult, Planning, UnfinishedGoal } from './goal-result.js';
export type { PlanningRunOptions } from './make-plan.js';
export type { PlanExample, PlannerOptions } from './options.js';
export { type GoalHandle, type PlanAndExecuteOptions, planAndExecute } from './plan-and-execute.js';
export { type ReplannerOptions, replanner } from './replan.js';
