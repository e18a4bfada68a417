// Conformance suites, for any test runner.

export { type CarrierConformanceOptions, carrierConformance } from './conformance/carrier.js';
export type { ConformanceCase } from './conformance/case.js';
export { type JournalConformanceOptions, journalConformance } from './conformance/journal.js';
export { type RunnerConformanceOptions, runnerConformance } from './conformance/runner.js';
export { strategyConformance } from './conformance/strategy.js';
