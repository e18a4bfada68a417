// Conformance suites, for any test runner.

export { type CarrierConformanceOptions, carrierConformance } from './conformance/carrier.js';
export type { ConformanceCase } from './conformance/case.js';
export { type JournalConformanceOptions, journalConformance } from './conformance/journal.js';
export { type RunQueueConformanceOptions, runQueueConformance } from './conformance/run-queue.js';
export { type RunnerConformanceOptions, runnerConformance } from './conformance/runner.js';
export {
  type SharedLimitsConformanceOptions,
  sharedLimitsConformance,
} from './conformance/shared-limits.js';
export { strategyConformance } from './conformance/strategy.js';
