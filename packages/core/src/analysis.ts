// What happened in a run, and what decided its time: a fold of its events.
export { analyzeRun, RunAnalyzer } from './analysis/analyze.js';
export { describeEvent } from './analysis/describe-event.js';
export { describeOrigin } from './analysis/describe-origin.js';
export { explainSwitch } from './analysis/explain-switch.js';
export {
  type EventLogger,
  type LogEventsOptions,
  type LogLevel,
  type LogRecord,
  logEvents,
} from './analysis/log-events.js';
export { RunEstimate } from './analysis/run-estimate.js';
export type * from './analysis/types.js';
