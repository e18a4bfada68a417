export type { ConformanceCase } from './conformance/case.js';
export { type JournalConformanceOptions, journalConformance } from './conformance/journal.js';
export { type RunnerConformanceOptions, runnerConformance } from './conformance/runner.js';
export { strategyConformance } from './conformance/strategy.js';
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
