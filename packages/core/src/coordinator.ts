// For programs that queue runs, and those that carry out the runs of a queue.
export type { ClaimedRun, QueuedRun, RunQueue } from './contract/run-queue.js';
export {
  type Coordinator,
  type CoordinatorOptions,
  startCoordinator,
} from './coordinator/coordinator.js';
export { type QueuedOptions, type SubmitOptions, submitRun } from './coordinator/submit-run.js';
