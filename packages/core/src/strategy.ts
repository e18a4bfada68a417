// For authors of strategies.
export { checkStrategy } from './contract/cap.js';
export { checkDuration, checkFlag, checkLimit, checkOptions } from './contract/check-options.js';
export { type AttemptErrorCode, OptionError, StrategyError } from './contract/errors.js';
export type { OutputPart } from './contract/output-part.js';
export type { RateLimit, RateLimits } from './contract/rate-limits.js';
export { ReadyTasks } from './contract/ready-tasks.js';
export type {
  LimitComparison,
  Outcome,
  RunView,
  Scheduler,
  Strategy,
  StrategyExplanation,
  StrategyFigures,
  StrategySwitch,
  TaskView,
  Wait,
} from './contract/strategy.js';
export type { Estimate, TaskType } from './contract/task.js';
export type { Usage } from './contract/usage.js';
export { bootstrapOf, meanUncertainty, type PositionDraw } from './util/bootstrap.js';
export { Heap } from './util/heap.js';
