export type { ConformanceCase } from './conformance-case.js';
export { type JournalConformanceOptions, journalConformance } from './journal-conformance.js';
export { type RunnerConformanceOptions, runnerConformance } from './runner-conformance.js';
export type {
  SimulatedAction,
  SimulatedAnswer,
  SimulatedAttempt,
  SimulatedRevision,
  SimulateOptions,
  SimulationControls,
} from './simulate/options.js';
export type {
  SimulatedEnd,
  SimulatedPart,
  SimulatedRequest,
  SimulatedServer,
} from './simulate/server.js';
export { simulate } from './simulate/simulate.js';
export { strategyConformance } from './strategy-conformance.js';
