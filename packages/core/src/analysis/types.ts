import type { AttemptErrorCode } from '../contract/errors.js';
import type { CancelReason, RunOrigin, SkipReason } from '../contract/event.js';
import type { LoopResult } from '../contract/repeat.js';
import type { PlanStatus, TaskStatus } from '../contract/status.js';
import type { Task } from '../contract/task.js';
import type { Usage } from '../contract/usage.js';
import type { Metrics } from '../state/metrics.js';

/**
 * What one stretch of a task's life was spent on.
 *
 * - `dependency`: a dependency, its own or that of its group, had not settled; `by` is the one that
 *   settled last.
 * - `paused`: the task was ready, and the run was paused.
 * - `rate_limit`: the server of the task had asked to wait.
 * - `cap`: as many attempts were in flight as `maxParallel` allows: it waited for a free slot.
 * - `resource_cap`: the same for the limit of its resource.
 * - `places`: other runs of the executor held the places that it shares with them.
 * - `budget`: its start had to wait until attempts in flight had shown what they use.
 * - `strategy`: the strategy chose to wait.
 * - `scheduling`: ready, with no known reason to wait, such as a timer that was late.
 * - `queue`: started, and its carrier had not begun it.
 * - `run`: an attempt that decided the outcome of the task.
 * - `retried`: an attempt that failed and was repeated.
 * - `backoff`: the delay before the next attempt.
 * - `person`: a human was asked.
 * - `children`: the tasks of the group, or the items of the fan-out, were under way.
 * - `settled`: the task had ended, before a resumption re-ran it.
 */
export type SpanKind =
  | 'dependency'
  | 'paused'
  | 'rate_limit'
  | 'cap'
  | 'resource_cap'
  | 'places'
  | 'budget'
  | 'strategy'
  | 'scheduling'
  | 'queue'
  | 'run'
  | 'retried'
  | 'backoff'
  | 'person'
  | 'children'
  | 'settled';

/**
 * A stretch of a task's life. All times of an analysis are milliseconds since the start of the run,
 * without the time between a crash and its resumption. They are multiples of 1/4096, so their sums and
 * differences are exact.
 */
export interface Span {
  readonly kind: SpanKind;
  readonly startMs: number;
  readonly endMs: number;
  /** The attempt, for `queue`, `run`, `retried`, and the `backoff` after it. */
  readonly attempt?: number | undefined;
  /** For `dependency`, the id of the task that ended the wait; undefined while it lasts. */
  readonly by?: string | undefined;
  /** For `rate_limit` and `resource_cap`, the resource, if it is known. */
  readonly resource?: string | undefined;
}

/** One attempt at a task. */
export interface AttemptAnalysis {
  /** 1 for the first. */
  readonly attempt: number;
  readonly startMs: number;
  /** When its carrier began it; equal to `startMs` in process. */
  readonly beginMs: number;
  /** Undefined while it is in flight. */
  readonly endMs: number | undefined;
  readonly outcome: 'running' | 'completed' | 'retried' | 'failed' | 'canceled';
  readonly code?: AttemptErrorCode | undefined;
  /** Why it failed, without the name of the task. */
  readonly message?: string | undefined;
  /** HTTP status of the answer, when there was one. */
  readonly status?: number | undefined;
  readonly usage?: Usage | undefined;
  readonly costUsd?: number | undefined;
  readonly model?: string | undefined;
  readonly requestId?: string | undefined;
  /** When the first part of its output came. */
  readonly firstOutputMs?: number | undefined;
  /** Letters of text that it has streamed. */
  readonly streamedLetters: number;
  /** Words of text that it has streamed. */
  readonly streamedWords: number;
  /** The tools that the model called, in order. */
  readonly tools: readonly ToolStep[];
}

/** A call of a tool in an attempt. */
export interface ToolStep {
  readonly callId: string;
  readonly tool: string;
  readonly startMs: number;
  /** Undefined while the tool runs, and where its attempt ended first. */
  readonly endMs: number | undefined;
  readonly ok: boolean | undefined;
  readonly input: unknown;
  readonly output?: unknown | undefined;
  /** The error message for the model, if the call failed. */
  readonly message?: string | undefined;
}

/**
 * The status of a task as people read it: a status of the kernel, or what a pending task is doing.
 * `ready` may start, `retrying` is between two attempts, `waiting` is a question to a human, and `open`
 * is a group whose tasks are under way.
 */
export type TaskState = TaskStatus | 'ready' | 'retrying' | 'waiting' | 'open';

export interface TaskAnalysis {
  readonly id: string;
  /** Position in the plan; tasks that were added come last. */
  readonly index: number;
  readonly task: Task;
  readonly level: number;
  readonly kind: 'task' | 'group' | 'fan_out' | 'loop' | 'person';
  /** The group, fan-out or loop that it belongs to. */
  readonly parent?: string | undefined;
  readonly status: TaskStatus;
  readonly state: TaskState;
  /** When it became part of the plan: 0, or the time at which it was added. */
  readonly bornMs: number;
  /** When nothing but a free slot was missing for the first time. */
  readonly readyMs: number | undefined;
  /** When its first attempt started, or the human was asked. */
  readonly startMs: number | undefined;
  /** When it settled. */
  readonly endMs: number | undefined;
  /** The time of its attempts, of the human, or of its children. */
  readonly ranMs: number;
  /** How long it was ready and did not run: every wait except those for dependencies. */
  readonly waitedMs: number;
  /** Covers its life from `bornMs` to `endMs`, or to now, without a gap or an overlap. */
  readonly spans: readonly Span[];
  readonly attempts: readonly AttemptAnalysis[];
  /** Whether it is part of the critical path. */
  readonly isCritical: boolean;
  /** Why it was skipped or canceled. */
  readonly reason?: SkipReason | CancelReason | undefined;
  /** The task whose failure led to that. */
  readonly failedTaskId?: string | undefined;
  /** The run whose output it took over; undefined for a task that ran. */
  readonly reusedFrom?: string | undefined;
  /** For a loop that has ended: how, and after how many iterations. */
  readonly loop?: LoopResult | undefined;
  /** Of all its attempts; undefined when none reported tokens. */
  readonly usage?: Usage | undefined;
  /** Of all its attempts; null when the price of some tokens is unknown. */
  readonly costUsd: number | null;
}

/** What a part of the makespan was spent on; `kinds` of spans that people need not tell apart are one. */
export type PartKind =
  /** Model and tools. */
  | 'work'
  | 'free_slot'
  | 'rate_limit'
  /** Failed attempts that were repeated, and the delays after them. */
  | 'retry'
  | 'person'
  | 'paused'
  | 'budget'
  | 'strategy'
  /** Started, and waiting for a carrier. */
  | 'queue'
  /** A planner was asked for more tasks. */
  | 'replan'
  /** What is left. */
  | 'scheduling';

/** A stretch of the critical path. */
export interface PathSegment {
  readonly part: PartKind;
  /** The kind of the task's span; undefined where no task had a part in it. */
  readonly kind?: SpanKind | undefined;
  readonly startMs: number;
  readonly endMs: number;
  /** Undefined for a round of re-planning, and where no task had a part in it. */
  readonly taskId?: string | undefined;
  readonly attempt?: number | undefined;
  readonly resource?: string | undefined;
}

/**
 * What decided how long the run took: the chain of stretches that ends with the task that settled last.
 * Each starts where the one before it ends, from 0 to the makespan.
 */
export interface CriticalPath {
  /** In order of time; without gaps. */
  readonly segments: readonly PathSegment[];
  /** The sum of the segments by part, largest first. The sum of all equals `makespanMs` exactly. */
  readonly parts: readonly { readonly part: PartKind; readonly ms: number }[];
  /** The ids of its tasks, in order of time. */
  readonly taskIds: readonly string[];
}

/** The run between two changes of these figures. */
export interface ConcurrencyStep {
  readonly atMs: number;
  /** Attempts in flight. */
  readonly running: number;
  /** Tasks that were ready and had not started. */
  readonly ready: number;
  /** The cap in force; null for none. */
  readonly limit: number | null;
}

/** A server asked to wait, or a person paused the run. */
export interface Pause {
  readonly startMs: number;
  readonly endMs: number;
  /** Undefined when a person paused the run. */
  readonly resource?: string | undefined;
  readonly code?: AttemptErrorCode | undefined;
}

/** Failed tasks with the same cause. */
export interface FailureGroup {
  readonly code: AttemptErrorCode;
  /** HTTP status of the answer, when there was one. */
  readonly status?: number | undefined;
  /** The message of the first of them, without the name of the task. */
  readonly message: string;
  readonly taskIds: readonly string[];
  /** How many of them did not make the plan fail: a fan-out tolerated them, or they were replaced. */
  readonly tolerated: number;
  /** How many tasks were skipped because of them. */
  readonly skipped: number;
  /** The most attempts that one of them took. */
  readonly attempts: number;
}

export interface TaskCounts {
  readonly total: number;
  /** Not ready: a dependency has not settled. */
  readonly pending: number;
  readonly ready: number;
  readonly running: number;
  readonly retrying: number;
  /** Questions to humans. */
  readonly waiting: number;
  /** Groups and fan-outs whose tasks are under way. */
  readonly open: number;
  readonly completed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly canceled: number;
}

/** A run as it went: why each task started when it did, and what decided the time. */
export interface RunAnalysis {
  readonly goal: string;
  readonly status: PlanStatus;
  /** The strategy at the end. */
  readonly strategy: string;
  /** Unix time in milliseconds of the start of the run. */
  readonly startedAt: number;
  /** The run whose results this one began with; undefined for a run that was not forked. */
  readonly forkedFrom: RunOrigin | undefined;
  /**
   * From the start of the run to its last event, or to `now` for a run under way; without the time
   * between a crash and its resumption.
   */
  readonly makespanMs: number;
  readonly counts: TaskCounts;
  readonly tasks: readonly TaskAnalysis[];
  readonly criticalPath: CriticalPath;
  readonly concurrency: readonly ConcurrencyStep[];
  readonly pauses: readonly Pause[];
  /** Most frequent first. */
  readonly failures: readonly FailureGroup[];
  /** Rounds of re-planning. */
  readonly replans: readonly { readonly startMs: number; readonly endMs: number }[];
  /** Tokens, cost, speed-up and more; of the events so far. */
  readonly metrics: Metrics;
  /** The ids of the tasks with the longest attempts or questions, longest first. */
  slowest(count: number): readonly TaskAnalysis[];
  /** @returns undefined for an unknown id. */
  task(id: string): TaskAnalysis | undefined;
  /**
   * The prompt that an attempt at a task gets, with the outputs so far. Without the JSON Schema that is
   * added for a server that takes none.
   *
   * @returns undefined when a function makes it, or when it needs outputs that are not known.
   */
  promptOf(id: string): string | undefined;
}

export interface AnalyzeOptions {
  /**
   * The time until which a run under way is analysed, as Unix time in milliseconds. Without effect on a
   * run that has ended.
   * @default the time of the last event
   */
  readonly now?: number | undefined;
}
