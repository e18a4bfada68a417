export { type SimulatedAttempt, type SimulateOptions, simulate } from './simulate.js';
export { type ConformanceCase, strategyConformance } from './strategy-conformance.js';
