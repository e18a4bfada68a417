import type { Budget } from '../contract/budget.js';
import type { SpendingData } from '../state/spending.js';
import type { AttemptErrorCode, ReplanError, StratagemError, TaskError } from './errors.js';
import type { CriterionProgress } from './goal.js';
import type { OutputPart } from './output-part.js';
import type { Plan } from './plan.js';
import type { PriceTable } from './price.js';
import type { RateLimits } from './rate-limits.js';
import type { ReplanReason } from './replan.js';
import type { RetryPolicy } from './retry.js';
import type { StrategySwitch } from './strategy.js';
import type { Task } from './task.js';
import type { Usage } from './usage.js';
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
  /** 1 for the first try; 0 when it ended without one: a group, a human step, bad inputs. */
  readonly attempt: number;
}

export interface PlanStarted extends Base {
  readonly type: 'plan_started';
  readonly plan: Plan;
  /** What the waits between attempts are drawn with. */
  readonly seed: number;
  /** What limits the run; undefined in logs of before there were journals. */
  readonly limits?: RunLimits;
  /**
   * Of a changed plan that a run has adopted, which begins it anew in the same log: what had been used
   * until then.
   */
  readonly spentBefore?: SpendingData;
}

/** Limits of a run, those of its plan taken into account; a field is left out where there is none. */
export interface RunLimits {
  readonly failFast?: boolean;
  readonly maxParallel?: number;
  readonly deadlineMs?: number;
  readonly timeoutMs?: number;
  readonly retry?: RetryPolicy;
  readonly budget?: Budget;
  readonly prices?: PriceTable;
}

export interface StrategyInitialized extends Base {
  readonly type: 'strategy_initialized';
  readonly strategy: string;
  /** The cap in force; null without one. */
  readonly maxParallel: number | null;
}

/** The strategy works in another way from now on, and says why. */
export interface StrategySwitched extends Base, StrategySwitch {
  readonly type: 'strategy_switched';
}

export interface TaskStarted extends AttemptBase {
  readonly type: 'task_started';
  /** How long the task was ready before it started. */
  readonly waitMs: number;
}

/**
 * A started attempt has left its queue and begins now: durations and time limits count from here. Only
 * where a carrier says so; in process, an attempt begins when it starts.
 */
export interface TaskBegun extends AttemptBase {
  readonly type: 'task_begun';
}

/** What a running attempt reported: a piece of text, a tool call, its result, … by `kind`. */
export type TaskOutputReceived = AttemptBase & { readonly type: 'task_output' } & OutputPart;

export interface TaskCompleted extends AttemptBase {
  readonly type: 'task_completed';
  readonly durationMs: number;
  readonly output: unknown;
  readonly usage?: Usage;
  readonly costUsd?: number;
  readonly model?: string;
  readonly requestId?: string;
  /** What the server announced about its limits. */
  readonly rateLimits?: RateLimits;
  /** What the output follows from, as a hash; only in a journalled run, and only where it is known. */
  readonly contentKey?: string;
  /** It was not done again, but taken from what this run had recorded. */
  readonly reused?: { readonly runId: string };
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

/** A human step has come up: it waits for `answer`, `approve` or `reject` on the run's handle. */
export interface TaskWaiting extends TaskBase {
  readonly type: 'task_waiting';
  readonly kind: WaitKind;
  readonly question: string;
  /** How long it waits; undefined for as long as it takes. */
  readonly timeoutMs?: number;
}

/**
 * The plan has grown: a fan-out has its list, a task added tasks while it ran, or a round of
 * re-planning brought some.
 */
export interface TasksAdded extends Base {
  readonly type: 'tasks_added';
  /** The fan-out, or the task that added them; undefined when no task did. */
  readonly taskId?: string;
  readonly source: 'for_each' | 'add_tasks' | 'replan';
  readonly tasks: readonly Task[];
  /** The list that a fan-out's function gave; otherwise it stands in the output it goes over. */
  readonly items?: readonly unknown[];
}

/** Why a task will never start. */
export type SkipReason =
  | 'dependency_failed'
  | 'fail_fast'
  | 'not_chosen'
  | 'goal_achieved'
  | 'budget_exceeded';

export interface TaskSkipped extends TaskBase {
  readonly type: 'task_skipped';
  readonly reason: SkipReason;
  /** The task whose failure led to this, if one did. */
  readonly failedTaskId?: string;
}

/** Why a task was stopped, or not started, before it could end by itself. */
export type CancelReason =
  | 'plan_canceled'
  | 'plan_timeout'
  | 'fail_fast'
  | 'goal_achieved'
  | 'invalid_strategy';

export interface TaskCanceled extends AttemptBase {
  readonly type: 'task_canceled';
  readonly reason: CancelReason;
  /** How long the aborted attempt had been running; undefined when the task had not started. */
  readonly durationMs?: number;
}

export interface GoalChecked extends Base {
  readonly type: 'goal_checked';
  /** The share of the criteria that are met, by weight: 0 to 1. */
  readonly progress: number;
  readonly achieved: boolean;
  readonly criteria: readonly CriterionProgress[];
}

/** The goal is reached: nothing more starts. */
export interface GoalAchieved extends Base {
  readonly type: 'goal_achieved';
  readonly progress: number;
}

/** Which limit of a budget. */
export type BudgetKind = keyof Budget;

/** The next start would exceed the budget: nothing more starts. */
export interface BudgetExceeded extends Base {
  readonly type: 'budget_exceeded';
  /** The task that was to start. */
  readonly taskId: string;
  readonly budget: BudgetKind;
  readonly limit: number;
  /** What has been used; null for a cost that is unknown. */
  readonly used: number | null;
  /** What the attempts in flight are expected to use. */
  readonly reserved: number;
  /** What the start would have added. */
  readonly requested: number;
}

interface ReplanBase extends Base {
  /** 1 for the first. */
  readonly round: number;
}

/** The plan would end without having done what it says: more tasks are asked for. */
export interface ReplanStarted extends ReplanBase {
  readonly type: 'replan_started';
  readonly reason: ReplanReason;
  /** What failed, and no earlier round has made up for. */
  readonly failedTaskIds: readonly string[];
  /** How many tasks were not done because of those. */
  readonly droppedTasks: number;
}

/** A round has its answer; the tasks themselves follow as `tasks_added`. */
export interface ReplanCompleted extends ReplanBase {
  readonly type: 'replan_completed';
  readonly durationMs: number;
  /** How many tasks it adds, without their subtasks; 0 for none, and then the plan ends. */
  readonly tasks: number;
  /** The failed tasks that these make up for. */
  readonly replaces: readonly string[];
  readonly usage?: Usage;
  readonly costUsd?: number;
  readonly model?: string;
  readonly requestId?: string;
}

/** A round brought no answer that can be taken: the plan ends as it would have. */
export interface ReplanFailed extends ReplanBase {
  readonly type: 'replan_failed';
  readonly durationMs: number;
  readonly error: ReplanError;
}

/** Nothing starts until the run is resumed; what runs goes on. */
export interface PlanPaused extends Base {
  readonly type: 'plan_paused';
}

export interface PlanResumed extends Base {
  readonly type: 'plan_resumed';
}

/** A server asked to wait: nothing starts for its resource until then. */
export interface ResourcePaused extends Base {
  readonly type: 'resource_paused';
  readonly resource: string;
  readonly pauseMs: number;
  /** The error that said so. */
  readonly code: AttemptErrorCode;
}

/** The run goes on after its process ended: what follows happened in another one. */
export interface RunResumed extends Base {
  readonly type: 'run_resumed';
  /** How long nothing happened: from the last event to this one. No part of any duration. */
  readonly downMs: number;
  /**
   * The tasks whose attempts were in flight: each is started again now, as the same attempt. What
   * it had reported is void, and comes again.
   */
  readonly restarted: readonly string[];
  /** The tasks whose attempts a carrier still works on: they and their output went on meanwhile. */
  readonly attached?: readonly string[] | undefined;
  /** The tasks that are done once more after the run had failed, and what they had come to. */
  readonly retried?: readonly RetriedTask[];
}

export interface RetriedTask {
  readonly taskId: string;
  readonly was: 'failed' | 'skipped' | 'canceled';
}

export interface MaxParallelChanged extends Base {
  readonly type: 'max_parallel_changed';
  /** The cap from now on; null without one. */
  readonly maxParallel: number | null;
}

export interface PlanCompleted extends Base {
  readonly type: 'plan_completed';
  readonly durationMs: number;
}

export interface PlanFailed extends Base {
  readonly type: 'plan_failed';
  readonly durationMs: number;
  readonly error: StratagemError;
}

export interface PlanCanceled extends Base {
  readonly type: 'plan_canceled';
  readonly durationMs: number;
  readonly error: StratagemError;
}

/**
 * One entry of a run's log. The log is the one account of a run: results, metrics and progress are
 * computed from it. Plain data; errors turn into `{ name, code, message, … }` in JSON.
 */
export type PlanEvent =
  | PlanStarted
  | StrategyInitialized
  | StrategySwitched
  | TaskStarted
  | TaskBegun
  | TaskOutputReceived
  | TaskCompleted
  | TaskFailed
  | TaskRetrying
  | TaskWaiting
  | TaskSkipped
  | TaskCanceled
  | TasksAdded
  | GoalChecked
  | GoalAchieved
  | BudgetExceeded
  | ReplanStarted
  | ReplanCompleted
  | ReplanFailed
  | PlanPaused
  | PlanResumed
  | MaxParallelChanged
  | ResourcePaused
  | RunResumed
  | PlanCompleted
  | PlanFailed
  | PlanCanceled;

export type PlanEventType = PlanEvent['type'];

/** How a run ends. */
export type PlanEnding =
  | { readonly type: 'plan_completed' }
  | { readonly type: 'plan_failed' | 'plan_canceled'; readonly error: StratagemError };
