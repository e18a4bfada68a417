import type { Budget } from '../contract/budget.js';
import type { Citation } from './citation.js';
import type { AttemptErrorCode, ReplanError, StratagemError, TaskError } from './errors.js';
import type { CriterionProgress } from './goal.js';
import type { OutputPart } from './output-part.js';
import type { Plan } from './plan.js';
import type { InputValues } from './plan-inputs.js';
import type { PriceTable } from './price.js';
import type { RateLimits } from './rate-limits.js';
import type { LoopResult } from './repeat.js';
import type { ReplanReason } from './replan.js';
import type { ResourceLimits } from './resource-limit.js';
import type { RetryPolicy } from './retry.js';
import type { ServerToolCall } from './server-tool-call.js';
import type { StrategySwitch } from './strategy.js';
import type { TraceContext } from './surround.js';
import type { Task } from './task.js';
import type { ApprovalDecision, ApprovalRequest } from './tool-approval.js';
import type { SpendingData, Usage } from './usage.js';
import type { WaitKind } from './wait-for.js';

interface Base {
  /** Position in the run's log, from 0. */
  readonly sequence: number;
  /** Unix time in milliseconds, with a fraction; never goes backwards within a run. */
  readonly timestamp: number;
}

interface TaskBase extends Base {
  readonly taskId: string;
  readonly level: number;
}

interface AttemptBase extends TaskBase {
  /** 1 for the first try; 0 when the task ended without one: a group, a human step, bad inputs. */
  readonly attempt: number;
}

export interface RunStarted extends Base {
  readonly type: 'run_started';
  readonly plan: Plan;
  /** The seed of the random waits between attempts. */
  readonly seed: number;
  /** The values of the plan's inputs, without the secret ones; undefined for a plan without inputs. */
  readonly inputs?: InputValues | undefined;
  /** The limits of the run; undefined in old logs. */
  readonly limits?: RunLimits | undefined;
  /**
   * What the run had used before. Only when it restarts in the same log, because it adopted a changed
   * plan.
   */
  readonly spentBefore?: SpendingData | undefined;
  /**
   * The attempts that tasks had before such a restart. The attempts that follow have higher numbers, so
   * that no idempotency key ever names two requests.
   */
  readonly attemptsBefore?: readonly EarlierAttempts[] | undefined;
  /** The trace that the run belongs to; undefined without an instrumentation. */
  readonly trace?: TraceContext | undefined;
  /** The run whose results this one began with; undefined for a run that was not forked. */
  readonly forkedFrom?: RunOrigin | undefined;
}

/** Where a forked run comes from. */
export interface RunOrigin {
  readonly runId: string;
  /** The last event of that run that this one began with. */
  readonly sequence: number;
  /** The tasks that were asked to run again, by id. */
  readonly tasks?: readonly string[] | undefined;
  /** The names of the inputs with other values. */
  readonly inputs?: readonly string[] | undefined;
  /** How its plan differs from the plan of that run; undefined for the same plan. */
  readonly changes?: OriginChanges | undefined;
}

/** How the plan of a fork differs from the plan of its source. */
export interface OriginChanges {
  /** The fields of a changed task that differ; none for a task that was added or removed. */
  readonly tasks: readonly {
    readonly taskId: string;
    readonly kind: 'added' | 'removed' | 'changed';
    readonly fields: readonly string[];
  }[];
  /** Settings of the plan that differ, such as `goal`. */
  readonly settings: readonly string[];
}

/**
 * The attempts of a task under earlier plans. The last one is repeated when it was in flight and its
 * task has not changed: it is the same request, and has the same key.
 */
export type EarlierAttempts = readonly [taskId: string, attempts: number, isRepeated: boolean];

/** Limits of a run, including those of its plan. A limit that is not set is left out. */
export interface RunLimits {
  readonly failFast?: boolean | undefined;
  readonly maxParallel?: number | undefined;
  readonly resources?: ResourceLimits | undefined;
  readonly deadlineMs?: number | undefined;
  readonly timeoutMs?: number | undefined;
  readonly idleTimeoutMs?: number | undefined;
  readonly retry?: RetryPolicy | undefined;
  readonly budget?: Budget | undefined;
  readonly prices?: PriceTable | undefined;
}

export interface StrategyInitialized extends Base {
  readonly type: 'strategy_initialized';
  readonly strategy: string;
  /** The cap in force; null without one. */
  readonly maxParallel: number | null;
}

/**
 * The strategy let ready tasks wait although one could have started: for the first time since it was
 * initialized.
 */
export interface StrategyWaiting extends Base {
  readonly type: 'strategy_waiting';
}

/** The strategy has switched to another mode. */
export interface StrategySwitched extends Base, StrategySwitch {
  readonly type: 'strategy_switched';
}

export interface TaskStarted extends AttemptBase {
  readonly type: 'task_started';
  /** How long the task was ready before it started. */
  readonly waitMs: number;
  /**
   * What the attempt competes for; see `TaskView.resource`. Left out where it is usual: `function` for a
   * task with a `run` function, `tool:NAME` and `command` for those, and for others the same as at the
   * first of them.
   */
  readonly resource?: string | undefined;
}

/**
 * A started attempt has left its queue and begins now: durations and time limits count from here. Only
 * where a carrier says so; in process, an attempt begins when it starts.
 */
export interface TaskBegun extends AttemptBase {
  readonly type: 'task_begun';
}

/** A running attempt reported a part of its output: text, a tool call, its result, … by `kind`. */
export type TaskOutputReceived = AttemptBase & { readonly type: 'task_output' } & OutputPart;

export interface TaskCompleted extends AttemptBase {
  readonly type: 'task_completed';
  readonly durationMs: number;
  readonly output: unknown;
  readonly usage?: Usage | undefined;
  readonly costUsd?: number | undefined;
  readonly model?: string | undefined;
  readonly requestId?: string | undefined;
  /** The rate limits that the server announced. */
  readonly rateLimits?: RateLimits | undefined;
  /** A hash of everything that the output depends on; only in a journalled run, and if it is known. */
  readonly contentKey?: string | undefined;
  /** The output was taken from the journal: the run that produced it. */
  readonly reused?: { readonly runId: string } | undefined;
  /** The output was taken from a cache. */
  readonly cached?: true | undefined;
  /** The sources that the output cites. */
  readonly citations?: readonly Citation[] | undefined;
  /** The calls of tools that the provider ran itself, in their order. */
  readonly serverToolCalls?: readonly ServerToolCall[] | undefined;
  /** The file that the output was saved to, within the output folder. */
  readonly savedTo?: string | undefined;
  /** For a loop, how it ended. */
  readonly loop?: LoopResult | undefined;
}

export interface TaskFailed extends AttemptBase {
  readonly type: 'task_failed';
  readonly durationMs: number;
  readonly error: TaskError;
}

/** An attempt failed, and there will be another one. */
export interface TaskRetrying extends AttemptBase {
  readonly type: 'task_retrying';
  /** Length of the attempt that failed. */
  readonly durationMs: number;
  readonly error: TaskError;
  /** How long until the task may start again. */
  readonly delayMs: number;
}

/** A human step waits for `answer`, `approve` or `reject` on the run's handle. */
export interface TaskWaiting extends TaskBase {
  readonly type: 'task_waiting';
  readonly kind: WaitKind;
  readonly question: string;
  /** How long it waits; undefined without a limit. */
  readonly timeoutMs?: number | undefined;
}

/**
 * A call of a tool waits for `approve` or `reject` on the run's handle; the attempt continues after the
 * decision.
 */
export interface ToolApprovalRequested extends AttemptBase, ApprovalRequest {
  readonly type: 'tool_approval_requested';
}

/** A human approved a call of a tool, which then runs, or rejected it, which is its result for the model. */
export interface ToolApprovalDecided extends AttemptBase, ApprovalDecision {
  readonly type: 'tool_approval_decided';
  /** That of the request. */
  readonly key: string;
  /** The model's id of the call. */
  readonly callId: string;
  readonly tool: string;
  /**
   * Nobody needs to decide any more: the attempt was started again after a crash, and its model makes
   * other calls. If it makes this one later, it asks again.
   */
  readonly withdrawn?: true | undefined;
}

/**
 * Tasks were added to the plan: by a fan-out that has its list or the next items of its stream, by a
 * loop for its next iteration, by a running task, or by a round of re-planning.
 */
export interface TasksAdded extends Base {
  readonly type: 'tasks_added';
  /** The fan-out, the loop, or the task that added them; undefined when no task did. */
  readonly taskId?: string | undefined;
  readonly source: 'for_each' | 'repeat' | 'add_tasks' | 'replan';
  readonly tasks: readonly Task[];
  /**
   * The list that the function of a fan-out returned; with `redact`, the list of every fan-out. Of a
   * stream, the items that were read: in the journal and for listeners, but not in `result.timeline`, as
   * the run forgets them with their tasks.
   */
  readonly items?: readonly unknown[] | undefined;
  /** For a fan-out over a stream, how far it has been read: more of its tasks may follow. */
  readonly stream?: StreamPosition | undefined;
}

/** How far a fan-out has read its stream. */
export interface StreamPosition {
  /** A hash of all items read so far: a resumed run compares it with what it reads again. */
  readonly hash: string;
  /** Whether these are all items. */
  readonly isEnd: boolean;
}

/** Whether tasks belong to the fan-out or the loop that added them. */
export function isMadeFromTemplate(event: object): boolean {
  const { source } = event as Partial<TasksAdded>;
  return source === 'for_each' || source === 'repeat';
}

/** Why a task will never start. */
export type SkipReason =
  | 'dependency_failed'
  | 'fail_fast'
  | 'condition_false'
  /** It is to run after a failure, and none of its dependencies failed. */
  | 'nothing_failed'
  /** By `skipTask` of the handle. */
  | 'requested'
  | 'goal_achieved'
  | 'budget_exceeded';

export interface TaskSkipped extends TaskBase {
  readonly type: 'task_skipped';
  readonly reason: SkipReason;
  /** The task whose failure led to this, if one did. */
  readonly failedTaskId?: string | undefined;
  /** The reason that was given to `skipTask`. */
  readonly message?: string | undefined;
  /** The attempt that was aborted; undefined when none was in flight. */
  readonly attempt?: number | undefined;
  /** How long that attempt had been running. */
  readonly durationMs?: number | undefined;
}

/** Why a task was canceled. */
export type CancelReason =
  | 'run_canceled'
  | 'deadline_exceeded'
  | 'fail_fast'
  | 'goal_achieved'
  | 'invalid_strategy'
  /** By `cancelTask` of the handle. */
  | 'requested';

export interface TaskCanceled extends AttemptBase {
  readonly type: 'task_canceled';
  readonly reason: CancelReason;
  /** How long the aborted attempt had been running; undefined when the task had not started. */
  readonly durationMs?: number | undefined;
  /** For a task that was canceled by `cancelTask`: it counts as a failure of the run. */
  readonly error?: TaskError | undefined;
}

export interface GoalChecked extends Base {
  readonly type: 'goal_checked';
  /** The share of the criteria that are met, by weight: 0 to 1. */
  readonly progress: number;
  readonly achieved: boolean;
  readonly criteria: readonly CriterionProgress[];
}

/** The goal is reached: no more tasks start. */
export interface GoalAchieved extends Base {
  readonly type: 'goal_achieved';
  readonly progress: number;
}

/** Which limit of a budget. */
export type BudgetKind = Exclude<keyof Budget, 'resources'>;

/** The next start would exceed the budget: no more tasks start. */
export interface BudgetExceeded extends Base {
  readonly type: 'budget_exceeded';
  /** The task that was to start. */
  readonly taskId: string;
  readonly budget: BudgetKind;
  /** The resource whose budget it is; undefined for that of the whole run. */
  readonly resource?: string | undefined;
  readonly limit: number;
  /** How much has been used; null for an unknown cost. */
  readonly used: number | null;
  /** How much the start would have added. */
  readonly requested: number;
}

/**
 * The budget may not be enough for the start of this task and for the attempts in flight: it waits until
 * some of those have ended. The wait is over with the next start, or the next one at its resource.
 */
export interface BudgetWaiting extends Base {
  readonly type: 'budget_waiting';
  /** The task that was to start. */
  readonly taskId: string;
  /**
   * The resource whose budget it is: tasks of other resources may start meanwhile. Undefined for the
   * budget of the whole run, for which every task waits.
   */
  readonly resource?: string | undefined;
}

interface ReplanBase extends Base {
  /** 1 for the first. */
  readonly round: number;
}

/** The plan would end with failures or without its goal: a round of re-planning asks for tasks. */
export interface ReplanStarted extends ReplanBase {
  readonly type: 'replan_started';
  readonly reason: ReplanReason;
  /** Failed tasks that no earlier round has replaced. */
  readonly failedTaskIds: readonly string[];
  /** How many tasks were dropped because of those. */
  readonly droppedTasks: number;
}

/** A round of re-planning has its tasks, which follow as `tasks_added`. */
export interface ReplanCompleted extends ReplanBase {
  readonly type: 'replan_completed';
  readonly durationMs: number;
  /** How many tasks it adds, without their subtasks; the plan ends when it is 0. */
  readonly tasks: number;
  /** The failed tasks that the new ones replace. */
  readonly replaces: readonly string[];
  readonly usage?: Usage | undefined;
  readonly costUsd?: number | undefined;
  readonly model?: string | undefined;
  readonly requestId?: string | undefined;
}

/** A round of re-planning failed: the plan ends as without it. */
export interface ReplanFailed extends ReplanBase {
  readonly type: 'replan_failed';
  readonly durationMs: number;
  readonly error: ReplanError;
}

/** Somebody said that a criterion of the goal is met, by `meetCriterion` of the handle. */
export interface CriterionMet extends Base {
  readonly type: 'criterion_met';
  /** The name of the criterion. */
  readonly name: string;
}

/** No task starts until the run is resumed; running attempts continue. */
export interface RunPaused extends Base {
  readonly type: 'run_paused';
}

export interface RunUnpaused extends Base {
  readonly type: 'run_unpaused';
}

/**
 * Ready tasks wait because other runs of the executor hold the places that they share, or, with
 * `isWaiting: false`, they no longer do.
 */
export interface PlacesWaiting extends Base {
  readonly type: 'places_waiting';
  /** Whether tasks of this run wait for places. */
  readonly isWaiting: boolean;
}

/** A server asked to wait: no task starts for its resource until then. */
export interface ResourcePaused extends Base {
  readonly type: 'resource_paused';
  readonly resource: string;
  readonly pauseMs: number;
  /** The code of the error that asked for it. */
  readonly code: AttemptErrorCode;
}

/** The run was resumed after its process ended: later events are of another process. */
export interface RunResumed extends Base {
  readonly type: 'run_resumed';
  /** From the last event to this one; not part of any duration. */
  readonly downtimeMs: number;
  /**
   * The tasks whose attempts were in flight: each is started again, as the same attempt. The output
   * that it had reported is discarded.
   */
  readonly restarted: readonly string[];
  /** The tasks whose attempts a carrier still works on: they and their output went on meanwhile. */
  readonly attached?: readonly string[] | undefined;
  /** The tasks that run again after the run had failed, with their status before. */
  readonly retried?: readonly RetriedTask[] | undefined;
}

export interface RetriedTask {
  readonly taskId: string;
  readonly was: 'completed' | 'failed' | 'skipped' | 'canceled';
}

export interface MaxParallelChanged extends Base {
  readonly type: 'max_parallel_changed';
  /** The cap from now on; null without one. */
  readonly maxParallel: number | null;
}

export interface RunCompleted extends Base {
  readonly type: 'run_completed';
  readonly durationMs: number;
}

export interface RunFailed extends Base {
  readonly type: 'run_failed';
  readonly durationMs: number;
  readonly error: StratagemError;
}

export interface RunCanceled extends Base {
  readonly type: 'run_canceled';
  readonly durationMs: number;
  readonly error: StratagemError;
}

/**
 * One entry of a run's log. Results, metrics and progress are computed from the log alone. Plain
 * data; errors turn into `{ name, code, message, … }` in JSON.
 */
export type RunEvent =
  | RunStarted
  | StrategyInitialized
  | StrategyWaiting
  | StrategySwitched
  | TaskStarted
  | TaskBegun
  | TaskOutputReceived
  | TaskCompleted
  | TaskFailed
  | TaskRetrying
  | TaskWaiting
  | ToolApprovalRequested
  | ToolApprovalDecided
  | TaskSkipped
  | TaskCanceled
  | TasksAdded
  | GoalChecked
  | GoalAchieved
  | CriterionMet
  | BudgetWaiting
  | BudgetExceeded
  | ReplanStarted
  | ReplanCompleted
  | ReplanFailed
  | RunPaused
  | RunUnpaused
  | PlacesWaiting
  | MaxParallelChanged
  | ResourcePaused
  | RunResumed
  | RunCompleted
  | RunFailed
  | RunCanceled;

export type RunEventType = RunEvent['type'];

/** How a run ends. */
export type RunEnding =
  | { readonly type: 'run_completed' }
  | { readonly type: 'run_failed' | 'run_canceled'; readonly error: StratagemError };
