import type { AttemptErrorCode } from './errors.js';
import type { OutputPart } from './output-part.js';
import type { RateLimits } from './rate-limits.js';
import type { Estimate, TaskType } from './task.js';
import type { Usage } from './usage.js';

/**
 * Decides which ready task starts next. A strategy never sees a task whose dependencies are not
 * settled, and the kernel enforces every limit, so no strategy can break the order of
 * dependencies or exceed a cap, however wrong it is.
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
   * The most attempts that may be in flight at once; the kernel enforces it. Whoever runs the plan
   * may change it later through the run's handle.
   * @default 16, or what the executor was given
   */
  readonly maxParallel?: number;
  /** Called once per run; what it returns holds the scheduling state of that run. */
  begin(run: RunView): Scheduler;
}

/**
 * The scheduling state of one run. Must be deterministic: the same calls give the same choices.
 * No method may keep or change anything outside of it.
 */
export interface Scheduler {
  /**
   * The task's dependencies are settled: it may be chosen from now on. A task whose attempt failed
   * and is to be repeated comes again, as a new view, when its wait is over.
   */
  ready(task: TaskView): void;
  /**
   * Asked whenever an attempt could start. Answer with a ready task to start it, with
   * `{ until }` to be asked again at that time, or with `undefined` to be asked again after the
   * next event. Each task is to be given once for each time that it came to `ready`.
   *
   * @param now Unix time in milliseconds.
   */
  next(now: number): TaskView | Wait | undefined;
  /**
   * An attempt at a task that this scheduler chose, still in flight, has reported a part of its
   * output: how fast text comes tells how busy a server is, long before there is an answer. Runners
   * that do not stream report nothing, or everything at the end.
   */
  output?(task: TaskView, part: OutputPart): void;
  /** An attempt at a task that this scheduler chose has ended. */
  settled?(task: TaskView, outcome: Outcome): void;
}

/** "Nothing yet: ask again at `until`" (Unix time in milliseconds). */
export interface Wait {
  readonly until: number;
}

/** What a strategy may know about a task. */
export interface TaskView {
  readonly id: string;
  /** Position in the plan, from 0: the last word of every comparison. */
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
  /** What an attempt competes for: usually the provider and model. */
  readonly resource: string;
}

/** What a strategy may know about the run, and say to it; the figures are live. */
export interface RunView {
  /** The time of the call that the strategy is answering, as Unix time in milliseconds. */
  readonly now: number;
  /** The cap in force. */
  readonly maxParallel: number;
  /** Tasks so far: a plan may grow while it runs. */
  readonly totalTasks: number;
  /** Attempts in flight. */
  readonly running: number;
  /** Tasks that could start now. */
  readonly ready: number;
  /** Tasks that have not reached a final status, those running included. */
  readonly remaining: number;
  /**
   * The critical paths once more, in milliseconds, for a strategy that learns how long tasks take.
   * Takes time in proportion to the size of the plan: not for every decision.
   *
   * @param usualMs How long a task of a type takes when it has no estimate.
   * @returns `TaskView.criticalPath` by that measure; of tasks that are added later, only what they
   * take themselves.
   */
  criticalPaths(usualMs: (type: TaskType) => number): (task: TaskView) => number;
  /**
   * Puts a `strategy_switched` event into the log, for a strategy that changes how it works. To be
   * called while the strategy answers a call, at no other time.
   */
  report(change: StrategySwitch): void;
}

/** That a strategy works in another way from now on, and why. */
export interface StrategySwitch {
  /** How it worked until now: a mode of its own, such as `sequential`. */
  readonly from: string;
  /** How it works from now on; the same mode when only the limit changes. */
  readonly to: string;
  /** Why, in a sentence for humans. */
  readonly reason: string;
  /** Which tasks it is about; all when left out. See `TaskView.resource`. */
  readonly resource?: string;
  /** The most attempts that it lets run at once from now on. */
  readonly limit?: number;
  /** What was measured. */
  readonly figures?: StrategyFigures;
}

/** What a strategy has measured since it last switched. */
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
  /** How long the server asked to wait. */
  readonly retryAfterMs: number | undefined;
  readonly usage: Usage | undefined;
  /** What the server announced about its limits. */
  readonly rateLimits: RateLimits | undefined;
  /** The attempt failed, and the task comes to `ready` again after this many milliseconds. */
  readonly retryDelayMs: number | undefined;
}
