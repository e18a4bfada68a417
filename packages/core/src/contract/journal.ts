// Programs whose own `lib` lacks Symbol.asyncDispose must be able to import this.
/// <reference lib="esnext.disposable" preserve="true" />

import type { RunEventType } from './event.js';
import type { PlanStatus } from './status.js';

/** Any JSON value. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [field: string]: Json };

/**
 * An event as a journal stores it: plain JSON, made by the executor. Errors, dates, bytes and the
 * like are encoded already. A store reads the fields that are named here and no others.
 */
export interface EventData {
  readonly type: RunEventType;
  /** Position in the run's log; grows from event to event, not always by one. */
  readonly sequence: number;
  /** Unix time in milliseconds, with a fraction. */
  readonly timestamp: number;
  readonly taskId?: string | undefined;
  /** Of `task_completed`: by far the largest field. Equal ones are worth storing once. */
  readonly output?: Json | undefined;
  /** Of `task_completed`: a hash of everything that the output depends on; see `Journal.lookup`. */
  readonly contentKey?: string | undefined;
  readonly [field: string]: Json | undefined;
}

/** A run that has not started yet. */
export interface NewRun {
  /** At most 128 letters, digits, `.`, `_` and `-`, no `.` in front: valid as the name of a file. */
  readonly id: string;
  /** The goal of its plan. */
  readonly goal: string;
  /** When it was created, as Unix time in milliseconds. */
  readonly createdAt: number;
}

/** An entry of a list of runs. */
export interface RunListing {
  readonly id: string;
  readonly goal: string;
  /**
   * `interrupted` when the run has not ended and nobody writes it; `queued` when it was submitted and
   * has not started.
   */
  readonly status: PlanStatus | 'interrupted' | 'queued';
  /** As Unix time in milliseconds; when it was created, if it has not started. */
  readonly startedAt: number;
  readonly completedTasks: number;
  /** Tasks so far, subtasks included. */
  readonly totalTasks: number;
  /** The id of the run whose results it began with; left out for a run that is no fork. */
  readonly forkedFrom?: string | undefined;
}

/** A completion that can be reused, and the run that recorded it. */
export interface RecordedCompletion {
  readonly runId: string;
  readonly event: EventData;
}

/**
 * Stores runs so that they survive the process. `memoryJournal()` is one for tests;
 * `journalConformance` tests your own.
 *
 * Every method rejects with a `JournalError`.
 */
export interface Journal {
  /**
   * Creates the record of a run and takes its lease, so that nobody else can write it. Replaces a run
   * with that id that has no events.
   *
   * Rejects with `run_exists` when it has events, and with `run_locked` while another writer has the
   * lease.
   */
  create(run: NewRun): Promise<RunJournal>;
  /**
   * Takes the lease of a run and reads all its events.
   *
   * Rejects with `run_not_found`, and with `run_locked` while another writer has the lease.
   */
  open(runId: string): Promise<OpenedRun>;
  /** The events of a run in order; needs no lease. Rejects with `run_not_found`. */
  read(runId: string): AsyncIterable<EventData>;
  /** All runs, the newest first. */
  list(): Promise<readonly RunListing[]>;
  /** The last completion with this content key, in any run. */
  lookup(contentKey: string): Promise<RecordedCompletion | undefined>;
  /** Releases every lease and all other resources. The journal cannot be used afterwards. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** One run that is being written. */
export interface RunJournal {
  readonly runId: string;
  /**
   * Whether an append costs next to nothing. Otherwise, the events of one turn of the event loop are
   * gathered into one append.
   * @default false
   */
  readonly isInMemory?: boolean | undefined;
  /**
   * Appends events in order. All of them are durable when it returns or when its promise resolves; it
   * is not called again before that. After a crash, only the first of the events may be stored, never
   * one without those before it. The objects may change after it has returned.
   *
   * Throws or rejects with `run_locked` when the lease was lost, and with `journal_full`,
   * `journal_read_only` or `journal_failed`: then the run ends.
   *
   * @param onWritten Called once when the events would survive the end of this process, where that is
   * earlier than they would survive a power failure. A store may ignore it: it only saves time.
   */
  append(events: readonly EventData[], onWritten?: () => void): void | Promise<void>;
  /** Releases the lease. */
  close(): void | Promise<void>;
}

/** A run whose lease was taken, with its events. */
export interface OpenedRun extends RunJournal {
  /**
   * All events before, in a list of its own. A run that has read them replaces this field by an empty list, so
   * that they do not stay in memory while it writes. So no other method may need it.
   */
  readonly events: readonly EventData[];
}

/** The summary of a run before its first event. */
export function newListing({ id, goal, createdAt }: NewRun): RunListing {
  return { id, goal, status: 'created', startedAt: createdAt, completedTasks: 0, totalTasks: 0 };
}

/**
 * The summary of a run after one more of its events. A store keeps it with the run, so that a list
 * need not read any log.
 *
 * @example
 * for (const event of events) summary = listingAfter(summary, event);
 */
export function listingAfter(summary: RunListing, event: EventData): RunListing {
  switch (event.type) {
    case 'run_started': {
      const { goal } = event.plan as { readonly goal: string };
      const totalTasks = event.taskCount as number;
      // A changed plan restarts the count, but not the time of the run.
      const startedAt = summary.status === 'created' ? event.timestamp : summary.startedAt;
      const { runId: forkedFrom } = (event.forkedFrom ?? {}) as { readonly runId?: string };
      return {
        ...{ ...summary, goal, status: 'running', startedAt, completedTasks: 0, totalTasks },
        ...(forkedFrom !== undefined && { forkedFrom }),
      };
    }
    case 'run_resumed':
      return { ...summary, status: 'running' };
    case 'tasks_added':
      return { ...summary, totalTasks: summary.totalTasks + (event.taskCount as number) };
    case 'task_completed':
      return { ...summary, completedTasks: summary.completedTasks + 1 };
    case 'run_completed':
      return { ...summary, status: 'completed' };
    case 'run_failed':
      return { ...summary, status: 'failed' };
    case 'run_canceled':
      return { ...summary, status: 'canceled' };
    default:
      return summary;
  }
}
