// For programs that queue runs, and those that carry out the runs of a queue.
export type { ClaimedRun, QueuedRun, RunQueue } from './contract/run-queue.js';
export type { PendingRequest, RunAction, RunReply, RunRequest } from './contract/run-request.js';
export {
  type ControlRunOptions,
  controlRun,
  type Delivery,
  type RunControl,
} from './coordinator/control-run.js';
export {
  type Coordinator,
  type CoordinatorOptions,
  startCoordinator,
} from './coordinator/coordinator.js';
export { type QueuedOptions, type SubmitOptions, submitRun } from './coordinator/submit-run.js';
