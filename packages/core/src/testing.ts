export type { ConformanceCase } from './conformance-case.js';
export { type JournalConformanceOptions, journalConformance } from './journal-conformance.js';
export { type RunnerConformanceOptions, runnerConformance } from './runner-conformance.js';
export {
  type SimulatedAction,
  type SimulatedAnswer,
  type SimulatedAttempt,
  type SimulateOptions,
  type SimulationControls,
  simulate,
} from './simulate.js';
export type { SimulatedEnd, SimulatedRequest, SimulatedServer } from './simulated-server.js';
export { strategyConformance } from './strategy-conformance.js';
