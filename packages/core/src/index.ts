export type {
  AttachedFile,
  AttachedUrl,
  Attachment,
  AttachmentOptions,
  RequestAttachment,
} from './contract/attachment.js';
export type { Budget, ResourceBudget } from './contract/budget.js';
export type {
  CallOptions,
  Reasoning,
  ReasoningEffort,
  TaskOptions,
  ToolChoice,
} from './contract/call-options.js';
export type { AttemptCarrier } from './contract/carrier.js';
export type { Citation } from './contract/citation.js';
export type { ValueCodec } from './contract/codec.js';
export type { CommandRunner } from './contract/command-runner.js';
export type { Comparison, Condition, Operator } from './contract/condition.js';
export {
  type AttemptErrorCode,
  type ErrorCode,
  isStratagemError,
  OptionError,
  ReplanError,
  RunnerError,
  type RunnerErrorDetails,
  StratagemError,
  StrategyError,
  TaskError,
} from './contract/errors.js';
export type * from './contract/event.js';
export type { ForEach, ItemResult, ItemStream } from './contract/for-each.js';
export type { CriterionProgress, GoalCriterion, GoalProgress, GoalState } from './contract/goal.js';
export type { Instrumentation } from './contract/instrumentation.js';
export type { AbandonedAttempt, InterruptOptions } from './contract/interrupt.js';
export type { EventData, Journal, Json, RunListing } from './contract/journal.js';
export { JournalError, type JournalErrorCode } from './contract/journal-error.js';
export type { JsonSchema } from './contract/json-schema.js';
export type { OpenQuestion, ToolCallQuestion } from './contract/open-question.js';
export type { OutputFiles } from './contract/output-files.js';
export type {
  AttachmentPart,
  NoticePart,
  OutputPart,
  ReasoningPart,
  StepPart,
  TextPart,
  ToolCallPart,
  ToolResultPart,
} from './contract/output-part.js';
export type { OutputsOf, Plan, PlanOutputs, PlanSettings } from './contract/plan.js';
export { createPlan, PlanBuilder, type ResultsOf } from './contract/plan-builder.js';
export {
  formatProblem,
  PlanError,
  type PlanProblem,
  type ProblemCode,
} from './contract/plan-error.js';
export {
  InputsError,
  type InputValues,
  type PlanInput,
  type PlanInputRecord,
} from './contract/plan-inputs.js';
export type { Price, PriceTable } from './contract/price.js';
export type { ProviderOptions } from './contract/provider-options.js';
export type { RateLimit, RateLimits } from './contract/rate-limits.js';
export type { LoopEnding, LoopResult, OnExhausted, Repeat } from './contract/repeat.js';
export type {
  Remaining,
  Replan,
  ReplanContext,
  ReplanLimits,
  ReplanReason,
  Revision,
  Situation,
} from './contract/replan.js';
export type { ResourceLimit, ResourceLimits } from './contract/resource-limit.js';
export type { RetryPolicy } from './contract/retry.js';
export type { RunAfter, TaskFailure } from './contract/run-after.js';
export type { RunContext } from './contract/run-context.js';
export type { RunnerPricing, TaskOutput, TaskRequest, TaskRunner } from './contract/runner.js';
export type {
  AnySchema,
  SchemaIssue,
  SchemaOutput,
  SchemaResult,
  StandardSchema,
} from './contract/schema.js';
export type {
  CodeExecution,
  ServerTool,
  ServerToolType,
  UserLocation,
  WebSearch,
} from './contract/server-tool.js';
export type {
  ServerToolCall,
  ServerToolFile,
  ServerToolSource,
} from './contract/server-tool-call.js';
export type { PlanStatus, TaskStatus } from './contract/status.js';
export type { Command, CommandCall, CommandSettings, StepArgs } from './contract/step.js';
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
export type {
  Estimate,
  ModulePlan,
  ModuleValues,
  Task,
  TaskFunction,
  TaskType,
} from './contract/task.js';
export type { InputsOf, TaskInput } from './contract/task-input.js';
export { type Tool, type ToolContext, type ToolResult, tool } from './contract/tool.js';
export type { TotalUsage, Usage } from './contract/usage.js';
export type { WaitFor, WaitKind } from './contract/wait-for.js';
export type { ForkOptions } from './journal/fork-options.js';
export { memoryJournal } from './journal/memory-journal.js';
export { readRun } from './journal/read-run.js';
export type { ResumeOptions } from './journal/resume-options.js';
export type { ReuseOptions } from './journal/reuse.js';
export { createExecutor, type Executor, type ExplainOptions } from './runtime/executor.js';
export type { ExecutorOptions } from './runtime/executor-options.js';
export type { ForecastReason, TaskForecast } from './runtime/forecaster.js';
export type { RunHandle } from './runtime/handle.js';
export type { ExecuteArguments, ExecuteOptions, RunOptions } from './runtime/options.js';
export {
  PlanChangedError,
  type PlanDiff,
  type TaskChange,
} from './serialize/plan-changed-error.js';
export { computeMetrics, type Metrics } from './state/metrics.js';
export type {
  CanceledResult,
  CompletedResult,
  FailedResult,
  InterruptedResult,
  PlanResult,
} from './state/result.js';
export { type RunSummary, resultOf } from './state/result-from-log.js';
export { RunError } from './state/run-error.js';
export type { TaskResult } from './state/task-result.js';
export { validatePlan } from './validate/plan.js';
