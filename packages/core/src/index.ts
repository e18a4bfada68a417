export type { Budget } from './budget.js';
export type { Command } from './command.js';
export type { Comparison, Condition, Operator } from './condition.js';
export { type ContextChanges, deriveContext, type RunContext } from './context.js';
export {
  ATTEMPT_ERROR_CODES,
  type AttemptErrorCode,
  describe,
  type ErrorCode,
  isStratagemError,
  OptionError,
  ReplanError,
  RunnerError,
  type RunnerErrorDetails,
  StratagemError,
  StrategyError,
  TaskError,
} from './errors.js';
export type * from './event.js';
export { EventStream } from './event-stream.js';
export {
  createExecutor,
  type Executor,
  type ExecutorOptions,
  type ExplainOptions,
} from './executor.js';
export type { ForecastReason, TaskForecast } from './explain.js';
export type { ForEach, ItemResult } from './for-each.js';
export type { CriterionProgress, GoalCriterion, GoalProgress, GoalState } from './goal.js';
export { Graph } from './graph.js';
export {
  type EventData,
  type Journal,
  type Json,
  type NewRun,
  newSummary,
  type OpenedRun,
  type RecordedCompletion,
  type RunJournal,
  type RunSummary,
  summaryAfter,
} from './journal.js';
export { JournalError, type JournalErrorCode, journalErrors } from './journal-error.js';
export { Kernel } from './kernel.js';
export type { KernelOptions, RecoverOptions } from './kernel-options.js';
export { readRun } from './log-reader.js';
export { memoryJournal } from './memory-journal.js';
export { computeMetrics, type Metrics } from './metrics.js';
export { checkDuration, checkFlag, checkLimit, checkOptions } from './options.js';
export type {
  NoticePart,
  OutputPart,
  StepPart,
  TextPart,
  ToolCallPart,
  ToolResultPart,
} from './output-part.js';
export {
  createPlan,
  type InputsOf,
  type OutputsOf,
  type Plan,
  PlanBuilder,
  type PlanSettings,
  type TaskInput,
} from './plan.js';
export { PlanChangedError, type PlanDiff, type TaskChange } from './plan-diff.js';
export { costOf, type Price, type PriceTable } from './price.js';
export { formatProblem, PlanError, type PlanProblem, type ProblemCode } from './problem.js';
export type { RateLimit, RateLimits } from './rate-limits.js';
export type { Emit } from './recorder.js';
export type {
  Remaining,
  Replan,
  ReplanContext,
  ReplanLimits,
  ReplanReason,
  Revision,
  Situation,
} from './replan.js';
export type { CanceledResult, CompletedResult, FailedResult, PlanResult } from './result.js';
export { type RunAccount, resultOf } from './result-of.js';
export type { ResumeOptions } from './resume.js';
export { type RetryPolicy, TRANSIENT_ERROR_CODES } from './retry.js';
export type { ReuseOptions } from './reuse.js';
export type { RunHandle } from './run-handle.js';
export type { ExecuteOptions, RunOptions } from './run-options.js';
export { RunState } from './run-state.js';
export { resourceOf, type TaskOutput, type TaskRequest, type TaskRunner } from './runner.js';
export type { SchemaIssue, SchemaOutput, SchemaResult, StandardSchema } from './schema.js';
export type { PlanStatus, TaskStatus } from './status.js';
export type {
  Outcome,
  RunView,
  Scheduler,
  Strategy,
  StrategyFigures,
  StrategySwitch,
  TaskView,
  Wait,
} from './strategy.js';
export type { Estimate, Task, TaskFunction, TaskType } from './task.js';
export type { TaskResult } from './task-result.js';
export { type RequestTool, type Tool, type ToolContext, type ToolResult, tool } from './tool.js';
export type { Usage } from './usage.js';
export { Heap } from './util/heap.js';
export { graphOf, validatePlan } from './validate.js';
export type { WaitFor, WaitKind } from './wait-for.js';
