// Programs whose own `lib` does not know Symbol.asyncDispose must be able to import this.
/// <reference lib="esnext.disposable" preserve="true" />

import type { PlanEventType } from './event.js';
import type { PlanStatus } from './status.js';

/** Whatever JSON can hold. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [field: string]: Json };

/**
 * An event as a journal keeps it: plain JSON, made by the executor. Errors, dates, bytes and the
 * like have been turned into data; a store keeps it as it is and never looks further than the
 * fields that are named here.
 */
export interface EventData {
  readonly type: PlanEventType;
  /** Position in the run's log; grows from event to event, not always by one. */
  readonly sequence: number;
  /** Unix time in milliseconds, with a fraction. */
  readonly timestamp: number;
  readonly taskId?: string;
  /** Of `task_completed`: by far the largest field, and often the same one. Worth keeping once. */
  readonly output?: Json;
  /** Of `task_completed`: what the output follows from, as a hash; see `Journal.lookup`. */
  readonly contentKey?: string;
  readonly [field: string]: Json | undefined;
}

/** A run that is about to begin. */
export interface NewRun {
  /** Letters, digits, `.`, `_` and `-`, 128 at most, no `.` in front: fit to be a file's name. */
  readonly id: string;
  /** That of its plan. */
  readonly goal: string;
  /** When it was created, as Unix time in milliseconds. */
  readonly createdAt: number;
}

/** One line of a list of runs. */
export interface RunSummary {
  readonly id: string;
  readonly goal: string;
  /** `interrupted` is one that has not ended and that nobody is writing. */
  readonly status: PlanStatus | 'interrupted';
  /** As Unix time in milliseconds; when it was created, if it has not started. */
  readonly startedAt: number;
  readonly completedTasks: number;
  /** Tasks so far, subtasks included. */
  readonly totalTasks: number;
}

/** A completion that can be used again, and the run that it was recorded in. */
export interface RecordedCompletion {
  readonly runId: string;
  readonly event: EventData;
}

/**
 * Where runs are kept so that they survive the process. `memoryJournal()` is one for tests;
 * `journalConformance` proves one of your own.
 *
 * Every method rejects with a `JournalError`.
 */
export interface Journal {
  /**
   * Begins the record of a run and takes its lease, so that nobody else can write it. A run of
   * that id without any event never began, and its place is taken.
   *
   * Rejects with `run_exists` when events are recorded for it, and `run_locked` while another one
   * has the lease.
   */
  create(run: NewRun): Promise<RunJournal>;
  /**
   * Takes over a run: its lease, and all its events.
   *
   * Rejects with `run_not_found`, and with `run_locked` while another one has the lease.
   */
  open(runId: string): Promise<OpenedRun>;
  /** The events of a run in order, whoever has its lease. Rejects with `run_not_found`. */
  read(runId: string): AsyncIterable<EventData>;
  /** All runs, the newest first. */
  list(): Promise<readonly RunSummary[]>;
  /** Of the completions with this content key, in any run, the one that was recorded last. */
  lookup(contentKey: string): Promise<RecordedCompletion | undefined>;
  /** Gives back every lease and whatever else is held. Nothing can be done with it afterwards. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** One run that is being written. */
export interface RunJournal {
  readonly runId: string;
  /**
   * Appends events in order. They are durable, all of them, when it returns or when its promise
   * resolves; it is not called again before that. After a crash, some first part of the events may
   * be there, never one without those before it. The objects may change as soon as it has returned.
   *
   * Throws or rejects with `run_locked` when the lease was lost, and with `journal_full`,
   * `journal_read_only` or `journal_failed`: then the run ends.
   */
  append(events: readonly EventData[]): void | Promise<void>;
  /** Gives back the lease. */
  close(): void | Promise<void>;
}

/** A run that has been taken over, to be continued. */
export interface OpenedRun extends RunJournal {
  readonly events: readonly EventData[];
}

/** What is said of a run before its first event. */
export function newSummary({ id, goal, createdAt }: NewRun): RunSummary {
  return { id, goal, status: 'created', startedAt: createdAt, completedTasks: 0, totalTasks: 0 };
}

/**
 * What is said of a run after one more of its events. A store keeps it beside the run, so that a
 * list need not read any log.
 *
 * @example
 * for (const event of events) summary = summaryAfter(summary, event);
 */
export function summaryAfter(summary: RunSummary, event: EventData): RunSummary {
  switch (event.type) {
    case 'plan_started': {
      const { goal } = event.plan as { readonly goal: string };
      const totalTasks = event.taskCount as number;
      // A changed plan that was adopted begins the count anew, and the run stays as old as it is.
      const startedAt = summary.status === 'created' ? event.timestamp : summary.startedAt;
      return { ...summary, goal, status: 'running', startedAt, completedTasks: 0, totalTasks };
    }
    case 'run_resumed':
      return { ...summary, status: 'running' };
    case 'tasks_added':
      return { ...summary, totalTasks: summary.totalTasks + (event.taskCount as number) };
    case 'task_completed':
      return { ...summary, completedTasks: summary.completedTasks + 1 };
    case 'plan_completed':
      return { ...summary, status: 'completed' };
    case 'plan_failed':
      return { ...summary, status: 'failed' };
    case 'plan_canceled':
      return { ...summary, status: 'canceled' };
    default:
      return summary;
  }
}
