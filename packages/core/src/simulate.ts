// Runs plans in virtual time.
export type {
  SimulatedAction,
  SimulatedAnswer,
  SimulatedAttempt,
  SimulatedRead,
  SimulatedRevision,
  SimulateOptions,
  SimulationControls,
} from './simulate/options.js';
export {
  type Alternative,
  type Alternatives,
  findAlternatives,
  replayRun,
} from './simulate/replay.js';
export type { ReplayOptions } from './simulate/replay-options.js';
export type {
  SimulatedEnd,
  SimulatedPart,
  SimulatedRequest,
  SimulatedServer,
} from './simulate/server.js';
export { simulate } from './simulate/simulate.js';
