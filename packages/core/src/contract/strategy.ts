import type { AttemptErrorCode } from './errors.js';
import type { OutputPart } from './output-part.js';
import type { RateLimits } from './rate-limits.js';
import type { Estimate, TaskType } from './task.js';
import type { Usage } from './usage.js';

/**
 * Decides which ready task starts next. A strategy never gets a task before its dependencies are
 * settled, and the kernel enforces every limit. So no strategy can violate dependencies or exceed a
 * cap.
 *
 * @example
 * // Shortest job first, in ten lines.
 * export function shortestFirst(): Strategy {
 *   return {
 *     name: 'shortest-first',
 *     begin() {
 *       const duration = (task: TaskView) => task.estimate?.durationMs ?? 0;
 *       const ready = new Heap<TaskView>((a, b) => duration(a) - duration(b) || a.index - b.index);
 *       return { ready: (task) => ready.push(task), next: () => ready.pop() };
 *     },
 *   };
 * }
 */
export interface Strategy {
  readonly name: string;
  /**
   * The maximum number of attempts in flight; the kernel enforces it. The handle of the run can change
   * it later.
   * @default 16, or the option of the executor
   */
  readonly maxParallel?: number | undefined;
  /** Called once per run; returns the scheduling state of that run. */
  begin(run: RunView): Scheduler;
}

/**
 * The scheduling state of one run. Must be deterministic: the same calls give the same choices.
 * No method may keep or change anything outside of it, with one exception: runs that are under way at the
 * same server (`RunView.serverOf`) may share what concerns it. A run that has ended must leave nothing.
 */
export interface Scheduler {
  /**
   * The task's dependencies are settled: it may be chosen from now on. Called again, with a new view,
   * for each retry of the task, when its wait is over.
   */
  ready(task: TaskView): void;
  /**
   * Called whenever an attempt could start. Return a ready task to start it, `{ until }` to be called
   * again at that time, or `undefined` to be called again after the next event. Return each task once
   * for each call of `ready`.
   *
   * @param now Unix time in milliseconds.
   */
  next(now: number): TaskView | Wait | undefined;
  /**
   * A running attempt at a task that this scheduler chose has reported a part of its output. The speed
   * of the text shows how busy a server is, long before the attempt ends. Runners that do not stream
   * report nothing, or everything at the end.
   */
  readonly output?: ((task: TaskView, part: OutputPart) => void) | undefined;
  /** An attempt at a task that this scheduler chose has ended. */
  readonly settled?: ((task: TaskView, outcome: Outcome) => void) | undefined;
}

/** "No task yet: call again at `until`" (Unix time in milliseconds). */
export interface Wait {
  readonly until: number;
}

/** A task as a strategy sees it. */
export interface TaskView {
  readonly id: string;
  /** Position in the plan, from 0: breaks the ties of comparisons. */
  readonly index: number;
  readonly type: TaskType;
  /** 0 without dependencies, else one more than the highest level among them. */
  readonly level: number;
  /** Higher goes first. */
  readonly priority: number;
  readonly estimate: Estimate | undefined;
  /**
   * Length of the longest path from this task to the end of the plan, itself included. In
   * milliseconds when any task of the plan has an estimated duration (tasks without one count as
   * the average), otherwise in tasks.
   */
  readonly criticalPath: number;
  /** The resource that an attempt competes for: usually provider and model. */
  readonly resource: string;
}

/** The run as a strategy sees it; its numbers are live. */
export interface RunView {
  /** The time of the current call of the strategy, as Unix time in milliseconds. */
  readonly now: number;
  /** The cap in force. */
  readonly maxParallel: number;
  /** Tasks so far: more may be added while the plan runs. */
  readonly totalTasks: number;
  /** Attempts in flight. */
  readonly running: number;
  /** Tasks that could start now. */
  readonly ready: number;
  /** Tasks that have not reached a final status, those running included. */
  readonly remaining: number;
  /** Whether the run has ended, or this process no longer carries it out. */
  readonly isOver: boolean;
  /** The resources with a cap of their own. */
  readonly cappedResources: ReadonlySet<string>;
  /**
   * Whether no attempt at this resource can start now, for want of a free place. The kernel holds a
   * task of such a resource back when it is chosen; it starts, before later choices for its resource, as
   * soon as there is a place. `ReadyTasks` keeps the order of a strategy in that case.
   */
  isFull(resource: string): boolean;
  /**
   * An object that stands for the server of a task: in an executor its runner, elsewhere the run. Runs of one
   * process that get the same object for tasks of one resource compete there.
   */
  serverOf(task: TaskView): object;
  /**
   * Computes the critical paths in milliseconds, for a strategy that learns how long tasks take. Takes
   * time in proportion to the size of the plan, so do not call it for every decision.
   *
   * @param usualMs The duration of a task without an estimate, by type.
   * @returns `TaskView.criticalPath` with these durations; for a task that is added later, its own
   * duration alone.
   */
  criticalPaths(usualMs: (type: TaskType) => number): (task: TaskView) => number;
  /**
   * Adds a `strategy_switched` event to the log, for a strategy that changes its mode. Call it only
   * while a method of the strategy runs.
   */
  report(change: StrategySwitch): void;
}

/** A change of the mode of a strategy. */
export interface StrategySwitch {
  /** The mode until now, such as `sequential`. */
  readonly from: string;
  /** The mode from now on; the same when only the limit changes. */
  readonly to: string;
  /** Why, in a sentence for humans. */
  readonly reason: string;
  /** The resource concerned; all when left out. See `TaskView.resource`. */
  readonly resource?: string | undefined;
  /** The maximum number of attempts in flight from now on. */
  readonly limit?: number | undefined;
  /** Measurements that led to the change. */
  readonly figures?: StrategyFigures | undefined;
  /** What may explain the measurements, likeliest first. */
  readonly explanations?: readonly StrategyExplanation[] | undefined;
  /** The new limit compared with another one. */
  readonly comparison?: LimitComparison | undefined;
}

/** What may explain the measurements of a strategy. */
export interface StrategyExplanation {
  /** A sentence for humans, without a full stop: `requests do not slow each other down`. */
  readonly explanation: string;
  /** From 0 to 1. */
  readonly probability: number;
}

/** What a limit is expected to cost, compared with one that was rejected. */
export interface LimitComparison {
  /** The share of the possible throughput that the limit is expected to lose: 0 to 1. */
  readonly expectedLoss: number;
  readonly rejectedLimit: number;
  /** The same for the rejected limit. */
  readonly rejectedLoss: number;
}

/** Measurements of a strategy since its last change. */
export interface StrategyFigures {
  /** Attempts that succeeded, per second. */
  readonly tasksPerSecond: number;
  /** Of attempts that succeeded. */
  readonly averageLatencyMs: number;
  /** The share of the limit that was in use, on average: 0 to 1. */
  readonly parallelEfficiency: number;
}

/** How an attempt ended. */
export interface Outcome {
  readonly ok: boolean;
  /** From start to end of the attempt. */
  readonly latencyMs: number;
  /** Why it failed; undefined when it did not. */
  readonly errorCode: AttemptErrorCode | undefined;
  /** The wait that the server asked for. */
  readonly retryAfterMs: number | undefined;
  readonly usage: Usage | undefined;
  /** The rate limits that the server announced. */
  readonly rateLimits: RateLimits | undefined;
  /** Milliseconds until the failed task is passed to `ready` again; undefined without a retry. */
  readonly retryDelayMs: number | undefined;
}
