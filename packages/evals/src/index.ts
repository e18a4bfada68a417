export { CasesError } from './cases-error.js';
export {
  type CheckResult,
  type EvaluatedCase,
  type EvaluateOptions,
  type Evaluation,
  evaluatePlan,
} from './evaluate.js';
export type { EvalCase, Expectation } from './expectation.js';
export { type EvaluatedVariant, junitReport } from './junit.js';
export { parseCases } from './parse-cases.js';
export { reasonsOf } from './reasons.js';
