export {
  type SimulatedAction,
  type SimulatedAnswer,
  type SimulatedAttempt,
  type SimulateOptions,
  type SimulationControls,
  simulate,
} from './simulate.js';
export { type ConformanceCase, strategyConformance } from './strategy-conformance.js';
